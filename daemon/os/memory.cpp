#include "daemon/os/memory.h"

#include <malloc.h>

namespace procctl {

// Where the C library has no such settings, there is nothing to do.
void allocate_large_blocks_apart()
{
#ifdef M_MMAP_THRESHOLD
    ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
#endif
}

void give_back_free_memory()
{
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
}

} // namespace procctl
