/* The built-in pages, in the words of the status. */
#include "http/page.h"

#include <string.h>

#include "core/str.h"
#include "http/product.h"
#include "http/request.h"
#include "http/settings.h"
#include "http/status.h"

#define PAGE_MAX 2048

struct page {
    char text[PAGE_MAX];
    size_t size;
};

/* What is said about statuses that clients see as 400. */
struct kind {
    int status;
    struct cohort_str title;
    struct cohort_str line;
};

static void
add(struct page *page, struct cohort_str part)
{
    memcpy(page->text + page->size, part.data, part.size);
    page->size += part.size;
}

static const struct kind *
find_kind(int status)
{
#define TEXT(literal)                                                          \
    {                                                                          \
        "" literal, sizeof(literal) - 1                                        \
    }
    static const struct kind kinds[] = {
        {494, TEXT("400 Request Header Or Cookie Too Large"),
         TEXT("<center>Request Header Or Cookie Too Large</center>\r\n")},
        {497, TEXT("400 The plain HTTP request was sent to HTTPS port"),
         TEXT("<center>The plain HTTP request was sent to HTTPS port"
              "</center>\r\n")},
    };
#undef TEXT
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].status == status) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* MSIE shows pages of its own for errors shorter than 512 bytes. */
static void
add_padding(struct page *page)
{
    static const struct cohort_str padding = {
        "<!-- padding to disable the friendly error page of MSIE -->\r\n", 61};
    int i;

    for (i = 0; i < 6; i++) {
        add(page, padding);
    }
}

static bool
needs_padding(const struct cohort_request *request, int status)
{
    struct cohort_str agent;

    if (status < 400 ||
        !coh_response_settings(request->routing.settings)->msie_padding) {
        return false;
    }
    agent = coh_request_value(request, COH_HEADER_USER_AGENT);
    return memmem(agent.data, agent.size, "MSIE ", 5) &&
        !memmem(agent.data, agent.size, "Opera", 5);
}

static void
render(const struct cohort_request *request, int status, struct page *page)
{
    const struct kind *kind = find_kind(status);
    struct cohort_str heading = coh_status_text(coh_status_on_wire(status));
    int tokens =
        coh_response_settings(request->routing.settings)->server_tokens;

    page->size = 0;
    if (heading.size <= 4) {
        return; /* a status without a name has no page */
    }
    add(page, COH_STR("<html>\r\n<head><title>"));
    add(page, kind ? kind->title : heading);
    add(page, COH_STR("</title></head>\r\n<body>\r\n<center><h1>"));
    add(page, heading);
    add(page, COH_STR("</h1></center>\r\n"));
    add(page, kind ? kind->line : COH_STR(""));
    add(page, COH_STR("<hr><center>"));
    add(page, coh_product(tokens));
    add(page, COH_STR("</center>\r\n</body>\r\n</html>\r\n"));
    if (needs_padding(request, status)) {
        add_padding(page);
    }
}

int
coh_page_respond(struct cohort_request *request, int status)
{
    int on_wire = coh_status_on_wire(status);
    struct page page;
    int result;

    if (coh_status_is_bodiless(on_wire)) {
        result = coh_response_begin(request, on_wire, COH_STR(""), 0);
        return result == 0 ? coh_response_end(request) : result;
    }
    render(request, status, &page);
    result = coh_response_begin(
        request, on_wire, page.size > 0 ? COH_STR("text/html") : COH_STR(""),
        (int64_t)page.size);
    if (result != 0) {
        return result;
    }
    coh_response_memory(request, page.text, page.size);
    return coh_response_end(request);
}
