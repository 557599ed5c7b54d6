/* Redirects for clients: URLs that are whole, safe and escaped. */
#include <stdint.h>
#include <stdio.h>

#include <cohort/module/phase.h>

#include "core/str.h"
#include "http/request.h"
#include "http/settings.h"
#include "http/virtual_server.h"

/* A set of bytes, 32 to a word. */
struct byte_set {
    uint32_t words[8];
};

/* What must not stand raw in the path of a URL: controls, space,
   "#%<>?\^`{|}, everything above 0x7e. */
static const struct byte_set unsafe_in_path = {
    {0xffffffff, 0xd000002d, 0x50000000, 0xb8000001, 0xffffffff, 0xffffffff,
     0xffffffff, 0xffffffff}};

/* What stands raw in no URL at all (RFC 3986 has no place for it): controls,
   space, "<>\^`{|}, everything above 0x7e. What has a meaning in one stays:
   who wrote the URL, or the client that sent its arguments, meant it. */
static const struct byte_set unsafe_in_url = {
    {0xffffffff, 0x50000005, 0x50000000, 0xb8000001, 0xffffffff, 0xffffffff,
     0xffffffff, 0xffffffff}};

static bool
is_in(const struct byte_set *set, unsigned char byte)
{
    return (set->words[byte >> 5] >> (byte & 31)) & 1;
}

/* Write text at out with the bytes of the set as %XX; where it ended. out has
   room for three times the size. */
static char *
escape(char *out, struct cohort_str text, const struct byte_set *set)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t i;

    for (i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (is_in(set, byte)) {
            *out++ = '%';
            *out++ = digits[byte >> 4];
            *out++ = digits[byte & 15];
        } else {
            *out++ = (char)byte;
        }
    }
    return out;
}

/* The name to redirect to; without any usable one the local address. */
static struct cohort_str
redirect_host(struct cohort_request *request, char *text)
{
    const struct coh_response_settings *settings =
        coh_response_settings(request->routing.settings);
    struct cohort_str name = request->routing.server->name;

    if (settings->server_name_in_redirect && name.size > 0 &&
        coh_str_index(name, '*') < 0) {
        return name;
    }
    if (request->host.size > 0) {
        return request->host;
    }
    return cohort_str(coh_addr_format_host(coh_request_local(request), text));
}

/* "http://host:port" at out, which has room for it; its size. */
static size_t
write_origin(struct cohort_request *request, char *out, size_t room)
{
    const struct coh_response_settings *settings =
        coh_response_settings(request->routing.settings);
    char text[COH_ADDR_TEXT_MAX];
    struct cohort_str host = redirect_host(request, text);
    uint16_t port = coh_addr_port(coh_request_local(request));
    bool is_bare_v6 = coh_str_index(host, ':') >= 0 && host.data[0] != '[';
    int size = snprintf(
        out, room, is_bare_v6 ? "http://[%.*s]" : "http://%.*s", (int)host.size,
        host.data);

    if (settings->port_in_redirect && port != 80 && port != 0) {
        size +=
            snprintf(out + size, room - (size_t)size, ":%u", (unsigned)port);
    }
    return (size_t)size;
}

/* Add the field; the verdict. */
static int
send_location(
    struct cohort_request *request, int status, const char *url, size_t size)
{
    coh_response_remove(request, COH_STR("Location"));
    if (coh_response_add(
            request, COH_STR("Location"), cohort_str_n(url, size)) < 0) {
        return 500;
    }
    return status;
}

/* Escape text by set and put what is needed before and after it. */
static int
redirect(
    struct cohort_request *request, int status, struct cohort_str text,
    const struct byte_set *set, struct cohort_str args)
{
    bool is_path = text.size > 0 && text.data[0] == '/';
    size_t origin_room = COH_ADDR_TEXT_MAX + 32 + request->host.size +
        request->routing.server->name.size;
    char *url;
    char *end;

    /* Limits on heads bound what a request contributes to both. */
    url = coh_arena_alloc(
        coh_request_arena(request),
        origin_room + 3 * text.size + 1 + 3 * args.size);
    end = url;
    if (is_path &&
        coh_response_settings(request->routing.settings)->absolute_redirect) {
        end += write_origin(request, url, origin_room);
    }
    end = escape(end, text, set);
    if (args.size > 0) {
        *end++ = '?';
        end = escape(end, args, &unsafe_in_url);
    }
    return send_location(request, status, url, (size_t)(end - url));
}

int
cohort_redirect(
    struct cohort_request *request, int status, struct cohort_str location)
{
    return redirect(request, status, location, &unsafe_in_url, COH_STR(""));
}

int
cohort_redirect_path(
    struct cohort_request *request, int status, struct cohort_str path)
{
    return redirect(request, status, path, &unsafe_in_path, request->args);
}
