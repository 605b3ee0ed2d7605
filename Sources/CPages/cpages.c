#include "CPages.h"

// It is one, and older standards have nothing like it.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t open[] = {
#embed "../Pages/Resources/open.html"
};
static const uint8_t open_gzip[] = {
#embed "../Pages/Resources/open.html.gz"
};
static const uint8_t send[] = {
#embed "../Pages/Resources/send.html"
};
static const uint8_t send_gzip[] = {
#embed "../Pages/Resources/send.html.gz"
};
static const uint8_t video[] = {
#embed "../Pages/Resources/video.js"
};
static const uint8_t video_gzip[] = {
#embed "../Pages/Resources/video.js.gz"
};
static const uint8_t policies[] = {
#embed "../Pages/Resources/policies.txt"
};
static const uint8_t released[] = {
#embed "../Pages/Resources/released.txt"
};

#define BYTES(array) {array, sizeof array}

static const cpages_bytes files[] = {
    [CPAGES_OPEN] = BYTES(open),         [CPAGES_OPEN_GZIP] = BYTES(open_gzip),
    [CPAGES_SEND] = BYTES(send),         [CPAGES_SEND_GZIP] = BYTES(send_gzip),
    [CPAGES_VIDEO] = BYTES(video),       [CPAGES_VIDEO_GZIP] = BYTES(video_gzip),
    [CPAGES_POLICIES] = BYTES(policies), [CPAGES_RELEASED] = BYTES(released),
};

cpages_bytes cpages_find(cpages_file file) { return files[file]; }
