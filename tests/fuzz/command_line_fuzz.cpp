// Command strings: what is read is written and read again as the same, and can be expanded.
#include "daemon/core/command_line.h"
#include "daemon/core/specifiers.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)split_words(text);
    const auto parsed = parse_command(text);
    if (!parsed) {
        if (parsed.error().message().empty()) std::abort();
        return 0;
    }
    if (parsed->argv.empty() || parsed->argv.front().empty()) std::abort();
    const auto again = parse_command(format_command(*parsed));
    if (!again || *again != *parsed) std::abort();
    (void)check_variables(*parsed);
    const auto argv = expand_command(*parsed, {}, {{"A", "x 'y z' \\"}});
    if (argv && argv->empty()) std::abort();
    return 0;
}
