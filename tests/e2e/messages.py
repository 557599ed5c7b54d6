"""Requests that must be refused, and requests that must be served."""

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"

REFUSED = {  # name: (bytes, status)
    "length and coding": (
        HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n", 400),
    "coding and length": (
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
        b"0\r\n\r\n", 400),
    "two lengths": (
        HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
    "two equal lengths": (
        HEAD + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "list of lengths": (HEAD + b"Content-Length: 4, 4\r\n\r\nabcd", 400),
    "signed length": (HEAD + b"Content-Length: +4\r\n\r\nabcd", 400),
    "negative length": (HEAD + b"Content-Length: -4\r\n\r\nabcd", 400),
    "hexadecimal length": (HEAD + b"Content-Length: 0x4\r\n\r\nabcd", 400),
    "empty length": (HEAD + b"Content-Length: \r\n\r\n", 400),
    "overflowing length": (
        HEAD + b"Content-Length: 18446744073709551620\r\n\r\nabcd", 400),
    "length with a blank inside": (
        HEAD + b"Content-Length: 4 4\r\n\r\nabcd", 400),
    "two codings": (
        HEAD + b"Transfer-Encoding: chunked\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "list of codings": (
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked repeated": (
        HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "another coding": (
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "identity": (HEAD + b"Transfer-Encoding: identity\r\n\r\n", 501),
    "coding in 1.0": (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n", 400),
    "other coding in 1.0": (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    "folded field": (
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "folded coding": (
        HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "fold before the first field": (
        b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "blank before the colon": (
        b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", 400),
    "blank before the colon of a length": (
        HEAD + b"Content-Length : 4\r\n\r\nabcd", 400),
    "tab before the colon": (
        HEAD + b"Content-Length\t: 4\r\n\r\nabcd", 400),
    "empty name": (b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n", 400),
    "bare CR in a value": (
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    "bare CR as line end": (b"GET / HTTP/1.1\rHost: a\r\r", 400),
    "NUL in a value": (
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    "NUL in a name": (
        b"GET / HTTP/1.1\r\nHost: a\r\nX\0Y: a\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "two equal hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "list of hosts": (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    "empty host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "host with a slash": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "chunk size with sign": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n+4\r\nabcd\r\n0\r\n\r\n",
        400),
    "chunk size with prefix": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n",
        400),
    "chunk size not hexadecimal": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "chunk size missing": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n\r\nabcd\r\n", 400),
    "chunk size too large": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        b"FFFFFFFFFFFFFFFFF\r\nabcd\r\n", 400),
    "chunk size with blank": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4 \r\nabcd\r\n0\r\n\r\n",
        400),
    "chunk longer than said": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcde\r\n0\r\n\r\n",
        400),
    "bare LF after a chunk size": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\nabcd\r\n0\r\n\r\n", 400),
    "bare LF after a chunk": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\n0\r\n\r\n", 400),
    "bare LF at the end of chunks": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\n", 400),
    "bare LF in the last chunk": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\n\r\n", 400),
    "two chunk extensions": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        b"4;a=b;c=d\n\r\nabcd\r\n0\r\n\r\n", 400),
    "0.9": (b"GET /\r\n", 400),
    "0.9 with version": (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400),
    "2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "3.0": (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    "not HTTP": (b"GET / FTP/1.1\r\nHost: a\r\n\r\n", 400),
    "version without minor": (b"GET / HTTP/1\r\nHost: a\r\n\r\n", 400),
    "lower case version": (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    "lower case method": (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "control in the target": (b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "blank in the target": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "binary": (bytes(range(128, 256)) + b"\r\n\r\n", 400),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "trace": (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "connect": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405),
    "connect without port": (b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "target not absolute": (b"GET foo HTTP/1.1\r\nHost: a\r\n\r\n", 400),
}

ACCEPTED = {
    "plain": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\nHost: a\n\n",
    "mixed line ends": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\n",
    "empty lines first": b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "1.0 without host": b"GET / HTTP/1.0\r\n\r\n",
    "1.2 counts as 1.1": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "raw bytes in the target":
        b"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "raw bytes in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: \xe4\r\n\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute without path": b"GET http://b HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute with arguments only": b"GET http://b?c HTTP/1.1\r\nHost: a\r\n\r\n",
    "trailing dot": b"GET / HTTP/1.1\r\nHost: a.\r\n\r\n",
    "empty port": b"GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
    "IPv6 host": b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    "body": HEAD + b"Content-Length: 4\r\n\r\nabcd",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
              b"4\r\nabcd\r\n1F\r\n" + bytes(31) + b"\r\n0\r\n\r\n",
    "upper case chunked": HEAD + b"Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
    "trailers": HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
                b"4\r\nabcd\r\n0\r\nX: y\r\n\r\n",
    "one chunk extension": HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
                           b"4;a=b\r\nabcd\r\n0\r\n\r\n",
    "other expectation":
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: something\r\n\r\n",
}
