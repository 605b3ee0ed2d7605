/* Generates load that wrk cannot: see usage below. One thread, one epoll; JSON lines on stdout.
 *
 * cc -O2 -Wall -Wextra -o load load.c load-http.c
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] =
    "load put  HOST:PORT [--size BYTES] [--connections N] [--seconds S | --requests K] [--dav] [--rate R]\n"
    "    uploads distinct sealed-looking bodies to PUT /upload, or with --dav to PUT /u/<n>, one after another on each\n"
    "    connection; at a fixed rate with --rate.\n"
    "load get  HOST:PORT --paths FILE [--rate R] [--connections N] [--seconds S | --requests K] [--in-order]\n"
    "    reads paths from a list (one per line), at random or in order. With --rate the load is open: requests are due at\n"
    "    a fixed rate, and latency counts from when each was due. SIGTERM ends put and get early, with their figures.\n"
    "load idle HOST:PORT --path PATH [--connections N]\n"
    "    opens connections from 127.0.0.2 on, sends one request on each, reports, and holds them until stdin ends.\n"
    "load slow HOST:PORT --path PATH [--connections N] [--speed BYTES]\n"
    "    requests a path on each connection, reports, and reads so many bytes a second of each until stdin ends.\n";

static struct {
    char *kind, *paths, *path;
    uint64_t size, requests, rate, speed;
    int connections;
    double seconds;
    bool is_dav, is_in_order;
    struct sockaddr_in server;
} options = {.size = 4096, .connections = 64, .seconds = 5, .speed = 4096};

static struct connection *connections;
static uint64_t start, end, issued, counter;
static char host[64];

/* MARK: what to ask for */

static char **path_list;
static size_t path_count;
static uint64_t random_state = 0x9e3779b97f4a7c15;

static void read_paths(void) {
    FILE *file = fopen(options.paths, "r");
    if (!file) fail(options.paths);
    char *line = NULL;
    size_t room = 0, limit = 0;
    for (ssize_t length; (length = getline(&line, &room, file)) > 0;) {
        line[strcspn(line, "\n")] = 0;
        if (path_count == limit) path_list = realloc(path_list, (limit = limit * 2 + 64) * sizeof *path_list);
        path_list[path_count++] = strdup(line);
    }
    free(line);
    fclose(file);
    if (!path_count) errno = 0, fail("the list of paths is empty");
}

/* xorshift64: which path comes next only has to look random. */
static const char *next_path(void) {
    if (options.is_in_order) return path_list[issued % path_count];
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return path_list[random_state % path_count];
}

static void make_get(struct request *request, const char *path) {
    request->tail_bytes = 0;
    request->first_size = (size_t)snprintf(request->first, sizeof request->first,
                                           "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
}

/* The head, then what makes the body look sealed and differ from every other: magic, padding, 16 bytes of the run, a
 * number; the rest is the shared block. */
static void make_put(struct request *request) {
    static char run[16];
    enum { UNIQUE = 88 };
    if (!counter && getrandom(run, sizeof run, 0) != sizeof run) fail("getrandom");
    int length = options.is_dav ? snprintf(request->first, 512, "PUT /u/%lu HTTP/1.1\r\nHost: %s\r\n", counter, host)
                                : snprintf(request->first, 512, "PUT /upload HTTP/1.1\r\nHost: %s\r\n", host);
    length += snprintf(request->first + length, 512, "Content-Length: %lu\r\n\r\n", options.size);
    char *body = request->first + length;
    memset(body, 0, UNIQUE);
    memcpy(body, "SBLB", 4);
    memcpy(body + 8, run, sizeof run);
    memcpy(body + 24, &counter, sizeof counter);
    counter++;
    request->first_size = (size_t)length + UNIQUE;
    request->tail_bytes = options.size - UNIQUE;
}

/* MARK: put and get */

static struct connection **free_connections;
static int free_count;

static volatile sig_atomic_t is_told_to_stop;

static void hear_stop(int number) { is_told_to_stop = number; }

static bool is_over(void) {
    return is_told_to_stop || (options.requests ? issued >= options.requests : now() >= end);
}

static uint64_t due_at(uint64_t request) { return start + request * 1000000000 / options.rate; }

/* How long a load at a fixed rate goes on after its last request was due. */
enum { PATIENCE_SECONDS = 20 };

static void issue(struct connection *connection, uint64_t due) {
    if (options.paths) make_get(&connection->request, next_path());
    else make_put(&connection->request);
    connection->due = due;
    issued++;
    send_request(connection);
}

static void work_on_idle(struct connection *connection) {
    if (options.rate) free_connections[free_count++] = connection;
    else if (!is_over()) issue(connection, now());
}

static void work_on_answer(struct connection *connection) {
    if (connection->due) record_latency(now() - connection->due);
    connection->due = 0;
    if (connection->stage != CLOSED) return;
    // It is lost, or was the server's last; one that was idle waits in the list of the free.
    for (int index = 0; index < free_count; index++)
        if (free_connections[index] == connection) free_connections[index--] = free_connections[--free_count];
    if (!is_over()) connect_one(connection);
}

static bool is_busy(void) {
    for (int index = 0; index < options.connections; index++)
        if (connections[index].stage > IDLE) return true;
    return false;
}

/* Issues what is due and tells how long nothing else will be. */
static uint64_t issue_due(void) {
    uint64_t time = now();
    while (options.rate && free_count && !is_over() && due_at(issued) <= time)
        issue(free_connections[--free_count], due_at(issued));
    if (!options.rate || !free_count || is_over()) return 10000000;
    uint64_t next = due_at(issued);
    time = now();
    return next > time ? next - time : 0;
}

static void open_all(void) {
    for (int index = 0; index < options.connections; index++) connect_one(&connections[index]);
    uint64_t limit = now() + 10000000000;
    while (options.rate && free_count < options.connections && now() < limit) turn(10000000);
}

static void run_work(void) {
    prctl(PR_SET_TIMERSLACK, 1);
    free_connections = calloc((size_t)options.connections, sizeof *free_connections);
    if (options.rate && !options.requests) options.requests = (uint64_t)((double)options.rate * options.seconds);
    start = now();
    end = start + (uint64_t)(options.seconds * 1e9);
    open_all();
    if (options.rate) start = now();
    uint64_t last_due = options.rate ? due_at(options.requests) : UINT64_MAX - PATIENCE_SECONDS * 1000000000ull;
    uint64_t limit = last_due + PATIENCE_SECONDS * 1000000000ull;
    while (!is_over() && now() < limit) turn(issue_due());
    if (options.requests > issued && !is_told_to_stop) result.missed = options.requests - issued;
    // What is under way may finish, so that every request is counted.
    limit = now() + PATIENCE_SECONDS * 1000000000ull;
    while (is_busy() && now() < limit) turn(10000000);
    print_result(options.kind, (double)(now() - start) / 1e9);
}

/* MARK: idle and slow */

static int begun, answered, lost;

static void begin_more(void);

static void crowd_on_idle(struct connection *connection) {
    if (connection->due) return;
    make_get(&connection->request, options.path);
    connection->due = now();
    send_request(connection);
}

static void crowd_on_answer(struct connection *connection) {
    if (connection->stage == CLOSED) lost++;
    else answered++;
    begin_more();
}

/* At most a few hundred at once are on their way in, fewer than any server's backlog. */
static void begin_more(void) {
    while (begun < options.connections && begun - answered - lost < 256) connect_one(&connections[begun++]);
}

static bool is_told_to_end(int milliseconds) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, milliseconds) > 0;
}

static void print_crowd(const char *event) {
    printf("{\"kind\":\"%s\",\"event\":\"%s\",\"connections\":%d,\"lost\":%d,\"bytes\":%lu,\"seconds\":%.3f}\n",
           options.kind, event, begun, lost, result.bytes, (double)(now() - start) / 1e9);
    fflush(stdout);
}

static void run_idle(void) {
    start = now();
    begin_more();
    while (answered + lost < options.connections) turn(100000000);
    print_crowd("ready");
    while (!is_told_to_end(0)) turn(100000000);
    print_crowd("end");
}

/* Takes the next few bytes of one reader; the first of them have to say 200. */
static void read_slowly(struct connection *connection) {
    bool is_first = connection->head_size == 0;
    ssize_t count = is_first ? recv(connection->fd, connection->head, 64, MSG_DONTWAIT)
                             : recv(connection->fd, NULL, options.speed, MSG_TRUNC | MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        lost++;
        return close_connection(connection);
    }
    if (is_first && memcmp(connection->head, "HTTP/1.1 200", 12)) errno = 0, fail("an answer is not 200");
    connection->head_size += (size_t)count;
    result.bytes += (uint64_t)count;
}

/* A small window, as a slow network has; else the kernel would take megabytes for each at once. */
static void ask(struct connection *connection) {
    int window = 64 << 10;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) fail("socket");
    setsockopt(connection->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    if (connect(connection->fd, (struct sockaddr *)&options.server, sizeof options.server)) fail("connect");
    make_get(&connection->request, options.path);
    ssize_t count = write(connection->fd, connection->request.first, connection->request.first_size);
    if (count != (ssize_t)connection->request.first_size) fail("write");
    connection->stage = READING_BODY;
}

/* Each reader has its turn once a second, in one of a hundred groups. */
static void run_slow(void) {
    enum { GROUPS = 100 };
    start = now();
    for (; begun < options.connections; begun++) ask(&connections[begun]);
    print_crowd("ready");
    for (int group = 0; !is_told_to_end(1000 / GROUPS); group = (group + 1) % GROUPS)
        for (int index = group; index < options.connections; index += GROUPS)
            if (connections[index].stage != CLOSED) read_slowly(&connections[index]);
    print_crowd("end");
}

/* MARK: the command line */

static void parse_options(int count, char **arguments) {
    static const struct option names[] = {
        {"size", 1, 0, 's'},  {"connections", 1, 0, 'c'}, {"seconds", 1, 0, 't'}, {"requests", 1, 0, 'k'},
        {"dav", 0, 0, 'd'},   {"rate", 1, 0, 'r'},        {"paths", 1, 0, 'f'},   {"in-order", 0, 0, 'i'},
        {"path", 1, 0, 'p'},  {"speed", 1, 0, 'v'},       {0, 0, 0, 0}};
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) switch (name) {
        case 's': options.size = strtoull(optarg, NULL, 10); break;
        case 'c': options.connections = atoi(optarg); break;
        case 't': options.seconds = atof(optarg); break;
        case 'k': options.requests = strtoull(optarg, NULL, 10); break;
        case 'd': options.is_dav = true; break;
        case 'r': options.rate = strtoull(optarg, NULL, 10); break;
        case 'f': options.paths = optarg; break;
        case 'i': options.is_in_order = true; break;
        case 'p': options.path = optarg; break;
        case 'v': options.speed = strtoull(optarg, NULL, 10); break;
        default: fputs(usage, stderr), exit(2);
        }
    if (optind + 2 != count || options.connections < 1 || options.size < 88) fputs(usage, stderr), exit(2);
    options.kind = arguments[optind];
    snprintf(host, sizeof host, "%s", arguments[optind + 1]);
    options.server = parse_server(arguments[optind + 1]);
}

static void raise_file_limit(void) {
    rlim_t wanted = (rlim_t)options.connections + 64;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted) return;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted) limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit)) fail("raising the limit of open files");
}

int main(int count, char **arguments) {
    static const struct load work = {work_on_idle, work_on_answer}, crowd = {crowd_on_idle, crowd_on_answer};
    parse_options(count, arguments);
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // Nobody is left to hear the figures.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, hear_stop);
    raise_file_limit();
    connections = calloc((size_t)options.connections, sizeof *connections);
    if (!connections) fail("memory");
    for (int index = 0; index < options.connections; index++) connections[index].number = index;
    bool is_idle = !strcmp(options.kind, "idle");
    open_loop(is_idle ? &crowd : &work, &options.server, is_idle ? "127.0.0.2" : NULL);
    if (is_idle && options.path) run_idle();
    else if (!strcmp(options.kind, "slow") && options.path) run_slow();
    else if (!strcmp(options.kind, "get") && options.paths) read_paths(), run_work();
    else if (!strcmp(options.kind, "put") && !options.paths) run_work();
    else fputs(usage, stderr), exit(2);
}
