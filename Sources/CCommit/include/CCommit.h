// The commit that a program was built from. It is in a module of its own, so that a new one compiles a line of C and not
// everything.

#ifndef CCOMMIT_H
#define CCOMMIT_H

/// As Package.swift found it in SATCHEL_COMMIT; empty where nobody said.
const char *_Nonnull ccommit_name(void);

#endif
