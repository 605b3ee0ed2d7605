// libpq for Swift. It is loaded when the first connection is made, so that a server without a database needs none; and
// what is used of it is declared here, so that building needs no headers of it. Names and numbers are those of libpq-fe.h
// and postgres_ext.h, which do not change within libpq.so.5.
#pragma once

#include <stdbool.h>

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

/// Why the library cannot be used.
enum cpostgres_loading {
    CPOSTGRES_LOADED = 0,
    CPOSTGRES_MISSING = 1,
    /// It is older than PostgreSQL 14, and knows no pipelines.
    CPOSTGRES_TOO_OLD = 2,
};

/// Loads the library. To be called once, before all others.
enum cpostgres_loading cpostgres_load(void);

// MARK: Connecting

/// Calls `each` with every setting that a connection string has, and whether it is one that is not to be shown; false for
/// what is no connection string.
bool cpostgres_parse(
    const char *text, void *context,
    void (*each)(void *context, const char *name, const char *value, bool is_secret));

/// Connects, or fails; NULL where there is no memory. The last of both arrays is NULL. Blocks for connect_timeout for each
/// address at most. Of the server's notices only warnings count.
PGconn *cpostgres_connect(const char *const *names, const char *const *values);
/// Whether a server has warned of something in what this thread has read since the last call.
bool cpostgres_take_warning(void);
void cpostgres_finish(PGconn *connection);
bool cpostgres_is_connected(const PGconn *connection);
const char *cpostgres_error(const PGconn *connection);
/// The address, the name and the port that it is connected to; "" or NULL where there are none.
const char *cpostgres_address(const PGconn *connection);
const char *cpostgres_host(const PGconn *connection);
const char *cpostgres_port(const PGconn *connection);
int cpostgres_socket(const PGconn *connection);

// MARK: Pipelines

/// Never blocks from here on, and takes statements before the answers of those before are read. False where that fails.
bool cpostgres_enter_pipeline(PGconn *connection);
bool cpostgres_send_prepare(PGconn *connection, const char *name, const char *text);
/// The most parameters of a statement.
#define CPOSTGRES_PARAMETER_LIMIT 32
/// Sends a prepared statement with parameters in binary form, and asks for binary results. The bytes of all parameters
/// stand behind each other; a length of -1 is NULL.
bool cpostgres_send(
    PGconn *connection, const char *name, int count, const unsigned char *bytes, const int *lengths);
bool cpostgres_send_sync(PGconn *connection);
/// 0 where everything was sent, 1 where the socket takes no more for now, -1 where that failed.
int cpostgres_flush(PGconn *connection);
/// Reads what is there; false where the connection is lost.
bool cpostgres_consume(PGconn *connection);
/// Whether the next result would have to be waited for.
bool cpostgres_is_busy(PGconn *connection);
/// The next result; NULL at the end of those of a statement.
PGresult *cpostgres_next(PGconn *connection);

// MARK: Results

enum cpostgres_status {
    CPOSTGRES_OTHER = 0,
    CPOSTGRES_DONE = 1,
    CPOSTGRES_ROWS = 2,
    CPOSTGRES_ERROR = 3,
    /// An earlier statement of the pipeline failed.
    CPOSTGRES_ABORTED = 4,
    CPOSTGRES_SYNCED = 5,
};

enum cpostgres_status cpostgres_status(const PGresult *result);
/// The five characters that name an error, and what the server says of it; NULL where the error is not the server's.
const char *cpostgres_error_code(const PGresult *result);
const char *cpostgres_error_message(const PGresult *result);
/// What was done, as COMMIT or ROLLBACK.
const char *cpostgres_command(PGresult *result);
int cpostgres_row_count(const PGresult *result);
int cpostgres_column_count(const PGresult *result);
/// The bytes of a value, and how many there are: -1 for NULL. They live as long as the result.
const unsigned char *cpostgres_value(const PGresult *result, int row, int column, int *length);
void cpostgres_clear(PGresult *result);
