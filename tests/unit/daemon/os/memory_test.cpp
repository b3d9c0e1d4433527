#include "daemon/os/memory.h"
#include "tests/support/catch.h"

#include <malloc.h>

using namespace procctl;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) // the sanitizer has an allocator of its own
TEST_CASE("a large block has pages of its own, however large one was freed before", "[memory]")
{
    allocate_large_blocks_apart();
    // Through a volatile pointer, or the compiler would see that nobody needs the memory.
    char* volatile kept = new char[8 << 20];
    delete[] kept; // would raise the bound to 8 MiB
    const auto before = ::mallinfo2().hblks;
    kept = new char[1 << 20];
    CHECK(::mallinfo2().hblks == before + 1);
    delete[] kept;
    CHECK(::mallinfo2().hblks == before);
    give_back_free_memory();
}
#endif
