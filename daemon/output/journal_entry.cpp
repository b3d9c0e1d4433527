#include "daemon/output/journal_entry.h"

#include <algorithm>

namespace procctl::output {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; }

} // namespace

void append_journal_field(std::string& to, std::string_view name, std::string_view value)
{
    to += name;
    if (std::ranges::none_of(value, is_control)) {
        to += '=';
    } else {
        to += '\n';
        std::uint64_t size = value.size();
        for (int i = 0; i < 8; ++i, size >>= 8U)
            to += static_cast<char>(size & 0xFFU);
    }
    to += value;
    to += '\n';
}

std::string journal_names(const stream_settings& s)
{
    std::string fields;
    append_journal_field(fields, "SYSLOG_FACILITY", std::to_string(s.facility));
    append_journal_field(fields, "SYSLOG_IDENTIFIER", s.identifier);
    append_journal_field(fields, "PROCCTL_PROGRAM", s.program);
    append_journal_field(fields, "PROCCTL_INSTANCE", s.instance);
    append_journal_field(fields, "PROCCTL_STREAM", s.stream);
    fields.shrink_to_fit();
    return fields;
}

void append_journal_entry(std::string& to, std::string_view names, std::uint8_t level, pid_t pid,
                          std::string_view message, bool is_partial)
{
    to += names;
    append_journal_field(to, "PRIORITY", std::to_string(level));
    if (pid != 0) append_journal_field(to, "SYSLOG_PID", std::to_string(pid));
    if (is_partial) append_journal_field(to, "PROCCTL_PARTIAL", "1");
    append_journal_field(to, "MESSAGE", message);
}

} // namespace procctl::output
