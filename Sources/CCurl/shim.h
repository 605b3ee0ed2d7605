// libcurl for Swift: its setters and getters take variable arguments, which Swift cannot call,
// so each kind of argument has a door of its own here.
#pragma once

#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

/// libcurl keeps a copy of the string; NULL restores the default.
static inline CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

/// libcurl keeps the pointer: the list must outlive the transfer.
static inline CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline void ccurl_set_write(CURL *handle, curl_write_callback function, void *context) {
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, function);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, context);
}

static inline void ccurl_set_header(CURL *handle, curl_write_callback function, void *context) {
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, function);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, context);
}

static inline void ccurl_set_read(CURL *handle, curl_read_callback function, void *context) {
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, function);
    curl_easy_setopt(handle, CURLOPT_READDATA, context);
}

static inline void ccurl_set_seek(CURL *handle, curl_seek_callback function, void *context) {
    curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, function);
    curl_easy_setopt(handle, CURLOPT_SEEKDATA, context);
}

static inline void ccurl_set_progress(CURL *handle, curl_xferinfo_callback function, void *context) {
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, function);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, context);
}

static inline void ccurl_set_opensocket(CURL *handle, curl_opensocket_callback function, void *context) {
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, function);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, context);
}

/// At least CURL_ERROR_SIZE bytes that outlive the transfer; NULL for none.
static inline void ccurl_set_error_buffer(CURL *handle, char *buffer) {
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, buffer);
}

/// The string belongs to the handle, until its next transfer; NULL if there is none.
static inline const char *ccurl_get_string(CURL *handle, CURLINFO info) {
    const char *value = NULL;
    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : NULL;
}

static inline long ccurl_get_long(CURL *handle, CURLINFO info) {
    long value = 0;
    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}

/// Writes the 4 or 16 bytes of an internet address, in network order, and tells how many; 0 for any other family.
static inline int ccurl_address_bytes(const struct curl_sockaddr *address, unsigned char bytes[16]) {
    if (address->family == AF_INET && address->addrlen >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in four;
        memcpy(&four, &address->addr, sizeof four);
        memcpy(bytes, &four.sin_addr, 4);
        return 4;
    }
    if (address->family == AF_INET6 && address->addrlen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 six;
        memcpy(&six, &address->addr, sizeof six);
        memcpy(bytes, &six.sin6_addr, 16);
        return 16;
    }
    return 0;
}

/// The socket that libcurl would have opened.
static inline curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
