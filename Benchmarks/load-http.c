/* Connections, the loop and the figures: see load.h. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct result result;

static const struct load *load;
static struct sockaddr_in server;
static in_addr_t source;
static int poll_fd = -1;
static char tail[TAIL_SIZE];

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "no");
    exit(2);
}

struct sockaddr_in parse_server(char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *colon = strrchr(text, ':');
    if (!colon) fail("the server is HOST:PORT");
    *colon = 0;
    address.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1) fail("the host is an IPv4 address");
    return address;
}

void open_loop(const struct load *kind, const struct sockaddr_in *address, const char *base) {
    load = kind;
    server = *address;
    if (base && inet_pton(AF_INET, base, &source) != 1) fail(base);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poll_fd < 0) fail("epoll_create1");
    for (size_t done = 0; done < sizeof tail; done += 256)
        if (getrandom(tail + done, 256, 0) != 256) fail("getrandom");
}

/* MARK: connections */

static void want(struct connection *connection, uint32_t events) {
    if (connection->events == events) return;
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poll_fd, connection->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, connection->fd, &event)) fail("epoll_ctl");
    connection->events = events;
}

/* A source address holds only so many ports, so every few thousand connections come from the next one. */
static void bind_source(struct connection *connection) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(ntohl(source) + (uint32_t)(connection->number / SOURCE_CONNECTIONS));
    int yes = 1;
    setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(connection->fd, (struct sockaddr *)&address, sizeof address)) fail("bind");
}

void connect_one(struct connection *connection) {
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) fail("socket");
    int yes = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (source) bind_source(connection);
    if (connect(connection->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) fail("connect");
    connection->events = 0;
    connection->stage = CONNECTING;
    want(connection, EPOLLOUT);
}

void close_connection(struct connection *connection) {
    if (connection->stage != CLOSED) close(connection->fd);
    connection->stage = CLOSED;
}

static void become_idle(struct connection *connection) {
    connection->stage = IDLE;
    want(connection, EPOLLIN);
    load->on_idle(connection);
}

/* The other side is gone: in the middle of a request that is a failure; a new connection takes its place. */
static void lose(struct connection *connection) {
    if (connection->stage != IDLE) result.closed++;
    connection->due = 0;
    close_connection(connection);
    load->on_answer(connection);
}

/* MARK: requests */

void send_request(struct connection *connection) {
    struct request *request = &connection->request;
    uint64_t total = request->first_size + request->tail_bytes;
    if (connection->stage == IDLE) {
        connection->sent = 0;
        connection->head_size = 0;
        connection->stage = SENDING;
    }
    while (connection->sent < total) {
        struct iovec parts[2];
        int count = 0;
        uint64_t sent = connection->sent;
        if (sent < request->first_size) {
            parts[count++] = (struct iovec){request->first + sent, request->first_size - sent};
            sent = request->first_size;
        }
        if (sent < total) {
            size_t offset = (sent - request->first_size) % TAIL_SIZE;
            size_t left = total - sent < TAIL_SIZE - offset ? total - sent : TAIL_SIZE - offset;
            parts[count++] = (struct iovec){tail + offset, left};
        }
        ssize_t written = writev(connection->fd, parts, count);
        if (written < 0 && errno == EAGAIN) return want(connection, EPOLLOUT | EPOLLIN);
        if (written < 0) return lose(connection);
        connection->sent += (uint64_t)written;
    }
    connection->stage = READING_HEAD;
    want(connection, EPOLLIN);
}

/* MARK: answers */

static void complete(struct connection *connection) {
    result.requests++;
    result.by_status[connection->status]++;
    bool is_early = connection->sent < connection->request.first_size + connection->request.tail_bytes;
    connection->stage = IDLE;
    if (connection->closes || is_early) close_connection(connection);
    load->on_answer(connection);
    if (connection->stage == IDLE) become_idle(connection);
}

static const char *field(const char *head, const char *name) {
    const char *found = strcasestr(head, name);
    return found ? found + strlen(name) : NULL;
}

/* Reads status, length and whether the connection closes; false if more of the head has to come first. */
static bool parse_head(struct connection *connection) {
    connection->head[connection->head_size] = 0;
    char *end = strstr(connection->head, "\r\n\r\n");
    if (!end) return false;
    size_t size = (size_t)(end + 4 - connection->head);
    end[2] = 0;
    int status = atoi(connection->head + 9);
    if (status >= 100 && status < 200) {
        memmove(connection->head, connection->head + size, connection->head_size -= size);
        return parse_head(connection);
    }
    const char *length = field(connection->head, "\r\ncontent-length:");
    const char *closing = field(connection->head, "\r\nconnection:");
    connection->status = status < STATUS_LIMIT && status > 0 ? status : 0;
    connection->closes = closing && strncasecmp(closing, " close", 6) == 0;
    uint64_t body = length && status != 304 ? strtoull(length, NULL, 10) : 0;
    uint64_t here = connection->head_size - size;
    result.bytes += connection->head_size;
    if (here > body) errno = 0, fail("an answer is longer than its Content-Length");
    connection->body_left = body - here;
    connection->stage = READING_BODY;
    return true;
}

/* Takes what has come; false if nothing is left to take. Bodies are thrown away in the kernel, which saves a copy. */
static bool read_some(struct connection *connection) {
    if (connection->stage == READING_BODY) {
        size_t limit = connection->body_left < 1 << 22 ? connection->body_left : 1 << 22;
        ssize_t count = recv(connection->fd, NULL, limit, MSG_TRUNC);
        if (count < 0 && errno == EAGAIN) return false;
        if (count <= 0) return lose(connection), false;
        result.bytes += (uint64_t)count;
        connection->body_left -= (uint64_t)count;
    } else {
        size_t room = HEAD_LIMIT - 1 - connection->head_size;
        ssize_t count = recv(connection->fd, connection->head + connection->head_size, room, 0);
        if (count < 0 && errno == EAGAIN) return false;
        if (count <= 0 || connection->stage == IDLE) return lose(connection), false;
        connection->head_size += (size_t)count;
        if (!parse_head(connection)) return true;
    }
    if (connection->body_left > 0) return true;
    complete(connection);
    return false;
}

/* MARK: the loop */

static void finish_connect(struct connection *connection) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return become_idle(connection);
    result.refused++;
    close_connection(connection);
    load->on_answer(connection);
}

static void handle(struct connection *connection, uint32_t events) {
    switch (connection->stage) {
    case CLOSED: return;
    case CONNECTING: return finish_connect(connection);
    case SENDING:
        if (events & EPOLLOUT) send_request(connection);
        if (!(events & ~(uint32_t)EPOLLOUT) || connection->stage == CLOSED) return;
        break;
    default: break;
    }
    while (read_some(connection)) {}
}

void turn(uint64_t nanoseconds) {
    struct epoll_event events[256];
    struct timespec limit = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
    int count = epoll_pwait2(poll_fd, events, 256, &limit, NULL);
    if (count < 0 && errno != EINTR) fail("epoll_pwait2");
    for (int index = 0; index < count; index++) handle(events[index].data.ptr, events[index].events);
}

/* MARK: figures */

static size_t bucket_of(uint64_t microseconds) {
    if (microseconds < 64) return microseconds;
    int shift = 57 - __builtin_clzll(microseconds);
    size_t bucket = (size_t)shift * 64 + (microseconds >> shift);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t middle_of(size_t bucket) {
    if (bucket < 128) return bucket;
    size_t shift = bucket / 64 - 1;
    return ((bucket % 64 + 64) << shift) + ((1ull << shift) / 2);
}

void record_latency(uint64_t nanoseconds) {
    uint64_t microseconds = nanoseconds / 1000;
    result.latency[bucket_of(microseconds)]++;
    if (microseconds > result.latency_max) result.latency_max = microseconds;
}

static uint64_t percentile(uint64_t total, double share) {
    uint64_t rank = (uint64_t)((double)total * share), seen = 0;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++)
        if ((seen += result.latency[bucket]) > rank)
            return middle_of(bucket) < result.latency_max ? middle_of(bucket) : result.latency_max;
    return result.latency_max;
}

void print_result(const char *kind, double seconds) {
    uint64_t total = 0;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) total += result.latency[bucket];
    printf("{\"kind\":\"%s\",\"seconds\":%.3f,\"requests\":%lu,\"per_second\":%.1f,\"bytes\":%lu", kind, seconds,
           result.requests, (double)result.requests / seconds, result.bytes);
    printf(",\"p50_us\":%lu,\"p90_us\":%lu,\"p99_us\":%lu,\"p999_us\":%lu,\"max_us\":%lu", percentile(total, 0.5),
           percentile(total, 0.9), percentile(total, 0.99), percentile(total, 0.999), result.latency_max);
    printf(",\"missed\":%lu,\"closed\":%lu,\"refused\":%lu,\"statuses\":{", result.missed, result.closed,
           result.refused);
    const char *comma = "";
    for (int status = 0; status < STATUS_LIMIT; status++) {
        if (!result.by_status[status]) continue;
        printf("%s\"%d\":%lu", comma, status, result.by_status[status]);
        comma = ",";
    }
    puts("}}");
    fflush(stdout);
}
