// libcurl for Swift. Two things stand between them: libcurl's setters and getters take variable arguments, which Swift
// cannot call; and with the thirty libraries behind it libcurl takes longer to load than most commands take to run.
// So it is loaded when the first request is made, and commands that make none start at once.
#pragma once

#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>
#include <stdbool.h>

/// Loads and initialises the library; false if it is not installed or too old. To be called once, before all others.
bool ccurl_load(void);

CURL *ccurl_easy_init(void);
void ccurl_easy_cleanup(CURL *handle);
void ccurl_easy_reset(CURL *handle);
CURLcode ccurl_easy_perform(CURL *handle);
const char *ccurl_easy_strerror(CURLcode code);
struct curl_slist *ccurl_slist_append(struct curl_slist *list, const char *text);
void ccurl_slist_free_all(struct curl_slist *list);
/// Seconds since 1970, -1 for what is no date.
time_t ccurl_getdate(const char *text);

CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value);
CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value);
/// libcurl keeps a copy of the string; NULL restores the default.
CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value);
/// libcurl keeps the pointer: the list must outlive the transfer.
CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value);

// Callbacks, each with the pointer that it is given back.
void ccurl_set_write(CURL *handle, curl_write_callback function, void *context);
void ccurl_set_header(CURL *handle, curl_write_callback function, void *context);
void ccurl_set_read(CURL *handle, curl_read_callback function, void *context);
void ccurl_set_seek(CURL *handle, curl_seek_callback function, void *context);
void ccurl_set_progress(CURL *handle, curl_xferinfo_callback function, void *context);
void ccurl_set_opensocket(CURL *handle, curl_opensocket_callback function, void *context);

/// At least CURL_ERROR_SIZE bytes that outlive the transfer; NULL for none.
void ccurl_set_error_buffer(CURL *handle, char *buffer);
long ccurl_get_long(CURL *handle, CURLINFO info);

/// Writes the 4 or 16 bytes of an internet address, in network order, and returns how many; 0 for any other family.
int ccurl_address_bytes(const struct curl_sockaddr *address, unsigned char bytes[16]);
/// The socket that libcurl would have opened.
curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address);
