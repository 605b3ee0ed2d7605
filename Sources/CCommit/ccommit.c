#include "CCommit.h"

const char *ccommit_name(void) { return SATCHEL_COMMIT; }
