// Does nothing, until a signal ends it.
#include "bare.h"

void bare_main(long*)
{
    // A sleep without end: every machine has ppoll, pause(2) not.
    for (;;)
        call(SYS_ppoll, 0, 0, 0);
}
