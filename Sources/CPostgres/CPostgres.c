#include "CPostgres.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

// libpq-fe.h, as far as it is used.

typedef struct {
    char *keyword;
    char *envvar;
    char *compiled;
    char *val;
    char *label;
    char *dispchar;
    int dispsize;
} PQconninfoOption;

typedef void (*PQnoticeProcessor)(void *argument, const char *message);
typedef void (*PQnoticeReceiver)(void *argument, const PGresult *result);

enum { CONNECTION_OK = 0 };
enum {
    PGRES_COMMAND_OK = 1,
    PGRES_TUPLES_OK = 2,
    PGRES_FATAL_ERROR = 7,
    PGRES_PIPELINE_SYNC = 10,
    PGRES_PIPELINE_ABORTED = 11,
};
enum { PG_DIAG_SQLSTATE = 'C', PG_DIAG_MESSAGE_PRIMARY = 'M', PG_DIAG_SEVERITY_NONLOCALIZED = 'V' };

// What is used of it, each under its own type.
#define EACH_FUNCTION(DO)                                                                                          \
    DO(PQconninfoOption *, conninfoParse, (const char *, char **))                                                 \
    DO(void, conninfoFree, (PQconninfoOption *))                                                                   \
    DO(void, freemem, (void *))                                                                                    \
    DO(PGconn *, connectdbParams, (const char *const *, const char *const *, int))                                 \
    DO(void, finish, (PGconn *))                                                                                   \
    DO(int, status, (const PGconn *))                                                                              \
    DO(char *, errorMessage, (const PGconn *))                                                                     \
    DO(char *, hostaddr, (const PGconn *))                                                                         \
    DO(char *, host, (const PGconn *))                                                                             \
    DO(char *, port, (const PGconn *))                                                                             \
    DO(int, socket, (const PGconn *))                                                                              \
    DO(PQnoticeReceiver, setNoticeReceiver, (PGconn *, PQnoticeReceiver, void *))                                  \
    DO(int, setnonblocking, (PGconn *, int))                                                                       \
    DO(int, sendPrepare, (PGconn *, const char *, const char *, int, const unsigned int *))                        \
    DO(int, sendQueryPrepared,                                                                                     \
       (PGconn *, const char *, int, const char *const *, const int *, const int *, int))                          \
    DO(int, flush, (PGconn *))                                                                                     \
    DO(int, consumeInput, (PGconn *))                                                                              \
    DO(int, isBusy, (PGconn *))                                                                                    \
    DO(PGresult *, getResult, (PGconn *))                                                                          \
    DO(int, resultStatus, (const PGresult *))                                                                      \
    DO(char *, cmdStatus, (PGresult *))                                                                            \
    DO(char *, resultErrorField, (const PGresult *, int))                                                          \
    DO(int, ntuples, (const PGresult *))                                                                           \
    DO(int, nfields, (const PGresult *))                                                                           \
    DO(int, getisnull, (const PGresult *, int, int))                                                               \
    DO(int, getlength, (const PGresult *, int, int))                                                               \
    DO(char *, getvalue, (const PGresult *, int, int))                                                             \
    DO(void, clear, (PGresult *))

// Those that came with PostgreSQL 14.
#define EACH_NEW_FUNCTION(DO)                                                                                      \
    DO(int, enterPipelineMode, (PGconn *))                                                                         \
    DO(int, pipelineSync, (PGconn *))

#define DECLARE(result, name, parameters) result(*name) parameters;
static struct {
    EACH_FUNCTION(DECLARE)
    EACH_NEW_FUNCTION(DECLARE)
} pq;

enum cpostgres_loading cpostgres_load(void) {
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!library) return CPOSTGRES_MISSING;
#define LOAD(result, name, parameters)                                                                             \
    pq.name = (result(*) parameters)dlsym(library, "PQ" #name);                                                    \
    if (!pq.name) return CPOSTGRES_TOO_OLD;
    EACH_FUNCTION(LOAD)
    EACH_NEW_FUNCTION(LOAD)
    return CPOSTGRES_LOADED;
}

// MARK: Connecting

bool cpostgres_parse(
    const char *text, void *context,
    void (*each)(void *context, const char *name, const char *value, bool is_secret)) {
    // What libpq says of a string that it cannot read repeats parts of it, so nobody sees it.
    char *message = NULL;
    PQconninfoOption *options = pq.conninfoParse(text, &message);
    if (message) pq.freemem(message);
    if (!options) return false;
    for (PQconninfoOption *option = options; option->keyword; option++) {
        if (option->val) each(context, option->keyword, option->val, option->dispchar && option->dispchar[0] == '*');
    }
    pq.conninfoFree(options);
    return true;
}

// One thread uses a connection, and is told of its notices while it reads.
static _Thread_local bool has_warned;

static void note_warning(void *argument, const PGresult *result) {
    (void)argument;
    const char *severity = pq.resultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && strcmp(severity, "WARNING") == 0) has_warned = true;
}

bool cpostgres_take_warning(void) {
    bool warned = has_warned;
    has_warned = false;
    return warned;
}

PGconn *cpostgres_connect(const char *const *names, const char *const *values) {
    PGconn *connection = pq.connectdbParams(names, values, 0);
    if (connection) pq.setNoticeReceiver(connection, note_warning, NULL);
    return connection;
}

void cpostgres_finish(PGconn *connection) { pq.finish(connection); }
bool cpostgres_is_connected(const PGconn *connection) { return pq.status(connection) == CONNECTION_OK; }
const char *cpostgres_error(const PGconn *connection) { return pq.errorMessage(connection); }
const char *cpostgres_address(const PGconn *connection) { return pq.hostaddr(connection); }
const char *cpostgres_host(const PGconn *connection) { return pq.host(connection); }
const char *cpostgres_port(const PGconn *connection) { return pq.port(connection); }
int cpostgres_socket(const PGconn *connection) { return pq.socket(connection); }

// MARK: Pipelines

bool cpostgres_enter_pipeline(PGconn *connection) {
    return pq.setnonblocking(connection, 1) == 0 && pq.enterPipelineMode(connection) == 1;
}

bool cpostgres_send_prepare(PGconn *connection, const char *name, const char *text) {
    return pq.sendPrepare(connection, name, text, 0, NULL) == 1;
}

bool cpostgres_send(
    PGconn *connection, const char *name, int count, const unsigned char *bytes, const int *lengths) {
    if (count > CPOSTGRES_PARAMETER_LIMIT) return false;
    const char *values[CPOSTGRES_PARAMETER_LIMIT];
    int formats[CPOSTGRES_PARAMETER_LIMIT];
    for (int index = 0; index < count; index++) {
        formats[index] = 1;
        values[index] = lengths[index] < 0 ? NULL : (const char *)bytes;
        if (lengths[index] > 0) bytes += lengths[index];
    }
    return pq.sendQueryPrepared(connection, name, count, values, lengths, formats, 1) == 1;
}

bool cpostgres_send_sync(PGconn *connection) { return pq.pipelineSync(connection) == 1; }
int cpostgres_flush(PGconn *connection) { return pq.flush(connection); }
bool cpostgres_consume(PGconn *connection) { return pq.consumeInput(connection) == 1; }
bool cpostgres_is_busy(PGconn *connection) { return pq.isBusy(connection) != 0; }
PGresult *cpostgres_next(PGconn *connection) { return pq.getResult(connection); }

// MARK: Results

enum cpostgres_status cpostgres_status(const PGresult *result) {
    switch (pq.resultStatus(result)) {
    case PGRES_COMMAND_OK: return CPOSTGRES_DONE;
    case PGRES_TUPLES_OK: return CPOSTGRES_ROWS;
    case PGRES_FATAL_ERROR: return CPOSTGRES_ERROR;
    case PGRES_PIPELINE_ABORTED: return CPOSTGRES_ABORTED;
    case PGRES_PIPELINE_SYNC: return CPOSTGRES_SYNCED;
    default: return CPOSTGRES_OTHER;
    }
}

const char *cpostgres_error_code(const PGresult *result) { return pq.resultErrorField(result, PG_DIAG_SQLSTATE); }

const char *cpostgres_error_message(const PGresult *result) {
    return pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}

const char *cpostgres_command(PGresult *result) { return pq.cmdStatus(result); }
int cpostgres_row_count(const PGresult *result) { return pq.ntuples(result); }
int cpostgres_column_count(const PGresult *result) { return pq.nfields(result); }

const unsigned char *cpostgres_value(const PGresult *result, int row, int column, int *length) {
    *length = pq.getisnull(result, row, column) ? -1 : pq.getlength(result, row, column);
    return (const unsigned char *)pq.getvalue(result, row, column);
}

void cpostgres_clear(PGresult *result) { pq.clear(result); }
