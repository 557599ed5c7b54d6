/* Status codes and what they are called. */
#include "http/status.h"

#include <stdio.h>

#include "core/check.h"
#include "core/str.h"

/* The names are those of the registry (RFC 9110 and the RFCs it lists); the
   classes' gaps stay empty. */
static const char *const texts[] = {
    [100] = "100 Continue",
    [101] = "101 Switching Protocols",
    [103] = "103 Early Hints",
    [200] = "200 OK",
    [201] = "201 Created",
    [202] = "202 Accepted",
    [203] = "203 Non-Authoritative Information",
    [204] = "204 No Content",
    [205] = "205 Reset Content",
    [206] = "206 Partial Content",
    [207] = "207 Multi-Status",
    [208] = "208 Already Reported",
    [226] = "226 IM Used",
    [300] = "300 Multiple Choices",
    [301] = "301 Moved Permanently",
    [302] = "302 Found",
    [303] = "303 See Other",
    [304] = "304 Not Modified",
    [305] = "305 Use Proxy",
    [307] = "307 Temporary Redirect",
    [308] = "308 Permanent Redirect",
    [400] = "400 Bad Request",
    [401] = "401 Unauthorized",
    [402] = "402 Payment Required",
    [403] = "403 Forbidden",
    [404] = "404 Not Found",
    [405] = "405 Method Not Allowed",
    [406] = "406 Not Acceptable",
    [407] = "407 Proxy Authentication Required",
    [408] = "408 Request Timeout",
    [409] = "409 Conflict",
    [410] = "410 Gone",
    [411] = "411 Length Required",
    [412] = "412 Precondition Failed",
    [413] = "413 Content Too Large",
    [414] = "414 URI Too Long",
    [415] = "415 Unsupported Media Type",
    [416] = "416 Range Not Satisfiable",
    [417] = "417 Expectation Failed",
    [418] = "418 I'm a teapot",
    [421] = "421 Misdirected Request",
    [422] = "422 Unprocessable Content",
    [423] = "423 Locked",
    [424] = "424 Failed Dependency",
    [425] = "425 Too Early",
    [426] = "426 Upgrade Required",
    [428] = "428 Precondition Required",
    [429] = "429 Too Many Requests",
    [431] = "431 Request Header Fields Too Large",
    [451] = "451 Unavailable For Legal Reasons",
    [500] = "500 Internal Server Error",
    [501] = "501 Not Implemented",
    [502] = "502 Bad Gateway",
    [503] = "503 Service Unavailable",
    [504] = "504 Gateway Timeout",
    [505] = "505 HTTP Version Not Supported",
    [506] = "506 Variant Also Negotiates",
    [507] = "507 Insufficient Storage",
    [508] = "508 Loop Detected",
    [511] = "511 Network Authentication Required",
};

#define TEXT_COUNT ((int)(sizeof(texts) / sizeof(texts[0])))

/* Three digits and a blank. A handful of these is asked for at most, and only
   by configurations that invent codes. */
static struct cohort_str
nameless(int status)
{
    static char digits[900][5];
    char *text = digits[status - 100];

    snprintf(text, sizeof(digits[0]), "%d ", status);
    return cohort_str_n(text, 4);
}

struct cohort_str
coh_status_text(int status)
{
    COH_CHECK(status >= 100 && status <= 999);
    if (status < TEXT_COUNT && texts[status] != NULL) {
        return cohort_str(texts[status]);
    }
    return nameless(status);
}

int
coh_status_on_wire(int status)
{
    return status >= 494 && status <= 497 ? 400 : status;
}

bool
coh_status_is_bodiless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

bool
coh_status_ends_connection(int status)
{
    switch (status) {
    case 400:
    case 408:
    case 413:
    case 414:
    case 431:
    case 501:
    case 505:
        return true;
    default:
        return false;
    }
}
