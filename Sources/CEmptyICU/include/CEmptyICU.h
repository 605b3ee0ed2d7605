// An empty table of locales, in place of the 34 MB that ICU brings: GRDB imports all of Foundation, which brings ICU, and
// nothing here formats dates or numbers for people. ICU calls this its stub data, and what is asked of it then fails with
// U_FILE_ACCESS_ERROR.
//
// Whatever is linked statically takes this table, since it is found before that in Foundation's library; its name has ICU's
// version, so a toolchain with another ICU takes its own. Linked dynamically, Foundation's library has its own table.
#pragma once
