// Ends with status 0, as fast as a program can.
#include "bare.h"

void bare_main(long*)
{
    for (;;)
        call(SYS_exit_group, 0);
}
