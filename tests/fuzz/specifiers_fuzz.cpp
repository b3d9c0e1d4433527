// Specifiers and variables: the first line is a text with specifiers and the only argument of a command, the
// rest the value of $A.
#include "daemon/core/specifiers.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto end = text.find('\n');
    const std::string argument(text.substr(0, end));
    const std::string value(end == std::string_view::npos ? std::string_view{} : text.substr(end + 1));
    const specifier_context context{.instance_name = "a@1", .program = "a", .instance = "1"};
    const auto expanded = expand_specifiers(argument, context);
    if (expanded.has_value() != check_specifiers(argument).has_value()) std::abort();
    const auto argv = expand_command({{"/x", argument}}, context, {{"A", value}});
    if (argv.has_value() != expanded.has_value()) std::abort();
    if (argv && (argv->empty() || argv->front() != "/x")) std::abort();
    return 0;
}
