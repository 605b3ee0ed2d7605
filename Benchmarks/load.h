/* What the kinds of load share: connections that speak HTTP/1.1, one loop of epoll, and what was measured. */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FIRST_LIMIT = 1024, HEAD_LIMIT = 3072, STATUS_LIMIT = 600, TAIL_SIZE = 1 << 20, SOURCE_CONNECTIONS = 4000 };

/* A request as bytes: `first` goes out before `tail_bytes` of the shared random block, repeated as often as needed. */
struct request {
    char first[FIRST_LIMIT];
    size_t first_size;
    uint64_t tail_bytes;
};

enum stage { CLOSED, CONNECTING, IDLE, SENDING, READING_HEAD, READING_BODY };

struct connection {
    int fd;
    enum stage stage;
    uint32_t events; /* what epoll was asked for */
    int number;
    int status;
    bool closes; /* the answer says that it is the connection's last */
    uint64_t sent;
    uint64_t due; /* nanoseconds; when the request should have gone out */
    uint64_t body_left;
    size_t head_size;
    char head[HEAD_LIMIT];
    struct request request;
};

/* Latencies in buckets of 1.6 %: 64 for each power of two of microseconds. */
enum { BUCKETS = 64 * 32 };

struct result {
    uint64_t requests, bytes, missed, closed, refused, by_status[STATUS_LIMIT];
    uint64_t latency[BUCKETS], latency_max;
};

extern struct result result;

/* What kind of load it is: the loop calls these. */
struct load {
    /* The connection is open and free. */
    void (*on_idle)(struct connection *);
    /* An answer is complete; the connection is idle, or closed. */
    void (*on_answer)(struct connection *);
};

uint64_t now(void);
void fail(const char *what);
struct sockaddr_in parse_server(char *text);
void open_loop(const struct load *load, const struct sockaddr_in *server, const char *bind_base);
void connect_one(struct connection *connection);
void send_request(struct connection *connection);
void close_connection(struct connection *connection);
/* Waits for events at most so long, and handles them. */
void turn(uint64_t nanoseconds);
void record_latency(uint64_t nanoseconds);
void print_result(const char *kind, double seconds);

#endif
