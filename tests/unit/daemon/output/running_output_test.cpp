// Makes this test program its own output process: called with --output-process it is one, before Catch2 sees
// the arguments.
#include "daemon/output/output_client.h"

#include <cstdlib>
#include <cstring>

namespace {

// glibc hands the arguments of main to constructors, too.
[[gnu::constructor]] void become_output_process(int argc, char** argv)
{
    if (argc == 2 && std::strcmp(argv[1], "--output-process") == 0) std::exit(procctl::output_process_main());
}

} // namespace
