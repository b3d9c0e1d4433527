// Keeps a daemon that idles for months small after it was large for a moment.
#pragma once

namespace procctl {

// Call first thing in a process, before it allocates much. Blocks of 64 KiB and more get pages of their own,
// that go back to the kernel when they are freed. By itself glibc raises that bound to the size of the
// largest block freed so far (mallopt(3), M_MMAP_THRESHOLD); the text of a configuration of 1,000 programs
// then leaves holes of 1.2 KiB per program behind (measured), since what is kept lies between what is not.
void allocate_large_blocks_apart();

// Gives the kernel back what is free in the heap. Call after something large is done: it looks at every
// page.
void give_back_free_memory();

} // namespace procctl
