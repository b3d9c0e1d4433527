#include "daemon/log_sources.h"

namespace procctl {
namespace {

log_source source_of(const std::string& instance, const std::string& program, const output_place& from,
                     std::string stream)
{
    const std::string which = stream == "stderr" ? "its standard error " : "its output ";
    return {.name = instance,
            .path = from.path,
            .program = program == instance ? std::string() : program,
            .stream = std::move(stream),
            .format = from.format,
            .timestamps = from.timestamps,
            .note = from.note.empty() ? std::string() : which + from.note};
}

} // namespace

std::vector<log_source> log_sources_of(const std::string& instance, const std::string& program,
                                       const output_view& output)
{
    if (!output.standard_error) return {source_of(instance, program, output.standard_output, "")};
    if (!output.standard_output.path.empty() && output.standard_output.path == output.standard_error->path) {
        log_source both = source_of(instance, program, output.standard_output, "");
        both.has_streams = both.format == log_format::json;
        return {both};
    }
    return {source_of(instance, program, output.standard_output, "stdout"),
            source_of(instance, program, *output.standard_error, "stderr")};
}

} // namespace procctl
