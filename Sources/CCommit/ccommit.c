#include "CCommit.h"

#ifndef SATCHEL_COMMIT
#define SATCHEL_COMMIT ""
#endif

const char *ccommit_name(void) { return SATCHEL_COMMIT; }
