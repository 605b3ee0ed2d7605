#define _GNU_SOURCE
#include "CCurl.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

// What is used of libcurl, each under its own type.
#define EACH_FUNCTION(DO)                                                                                          \
    DO(global_init) DO(easy_init) DO(easy_cleanup) DO(easy_reset) DO(easy_perform) DO(easy_strerror)               \
    DO(easy_setopt) DO(easy_getinfo) DO(slist_append) DO(slist_free_all) DO(getdate)

#define DECLARE(name) __typeof__(curl_##name) *name;
static struct {
    EACH_FUNCTION(DECLARE)
} curl;

bool ccurl_load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
#define LOAD(name)                                                                                                 \
    curl.name = (__typeof__(curl.name))dlsym(library, "curl_" #name);                                              \
    if (!curl.name) return false;
    EACH_FUNCTION(LOAD)
    return curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

CURL *ccurl_easy_init(void) { return curl.easy_init(); }
void ccurl_easy_cleanup(CURL *handle) { curl.easy_cleanup(handle); }
void ccurl_easy_reset(CURL *handle) { curl.easy_reset(handle); }
CURLcode ccurl_easy_perform(CURL *handle) { return curl.easy_perform(handle); }
const char *ccurl_easy_strerror(CURLcode code) { return curl.easy_strerror(code); }
time_t ccurl_getdate(const char *text) { return curl.getdate(text, NULL); }
void ccurl_slist_free_all(struct curl_slist *list) { curl.slist_free_all(list); }

struct curl_slist *ccurl_slist_append(struct curl_slist *list, const char *text) {
    return curl.slist_append(list, text);
}

CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
    return curl.easy_setopt(handle, option, value);
}

CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl.easy_setopt(handle, option, value);
}

CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl.easy_setopt(handle, option, value);
}

CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl.easy_setopt(handle, option, value);
}

void ccurl_set_write(CURL *handle, curl_write_callback function, void *context) {
    curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, function);
    curl.easy_setopt(handle, CURLOPT_WRITEDATA, context);
}

void ccurl_set_header(CURL *handle, curl_write_callback function, void *context) {
    curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, function);
    curl.easy_setopt(handle, CURLOPT_HEADERDATA, context);
}

void ccurl_set_read(CURL *handle, curl_read_callback function, void *context) {
    curl.easy_setopt(handle, CURLOPT_READFUNCTION, function);
    curl.easy_setopt(handle, CURLOPT_READDATA, context);
}

void ccurl_set_seek(CURL *handle, curl_seek_callback function, void *context) {
    curl.easy_setopt(handle, CURLOPT_SEEKFUNCTION, function);
    curl.easy_setopt(handle, CURLOPT_SEEKDATA, context);
}

void ccurl_set_progress(CURL *handle, curl_xferinfo_callback function, void *context) {
    curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, function);
    curl.easy_setopt(handle, CURLOPT_XFERINFODATA, context);
}

void ccurl_set_opensocket(CURL *handle, curl_opensocket_callback function, void *context) {
    curl.easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, function);
    curl.easy_setopt(handle, CURLOPT_OPENSOCKETDATA, context);
}

void ccurl_set_error_buffer(CURL *handle, char *buffer) {
    curl.easy_setopt(handle, CURLOPT_ERRORBUFFER, buffer);
}

long ccurl_get_long(CURL *handle, CURLINFO info) {
    long value = 0;
    return curl.easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}

int ccurl_address_bytes(const struct curl_sockaddr *address, unsigned char bytes[16]) {
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

curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
