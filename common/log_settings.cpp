#include "common/log_settings.h"

namespace procctl {

std::string_view to_text(log_compression value)
{
    switch (value) {
    case log_compression::none: return "none";
    case log_compression::gzip: return "gzip";
    }
    return {};
}

std::string_view to_text(log_timestamps value)
{
    switch (value) {
    case log_timestamps::none: return "none";
    case log_timestamps::iso: return "iso";
    case log_timestamps::local: return "local";
    }
    return {};
}

std::string_view to_text(log_format value)
{
    switch (value) {
    case log_format::raw: return "raw";
    case log_format::json: return "json";
    }
    return {};
}

std::string_view to_text(log_error_action value)
{
    switch (value) {
    case log_error_action::wait: return "wait";
    case log_error_action::drop: return "drop";
    }
    return {};
}

std::string_view to_text(output_kind value)
{
    switch (value) {
    case output_kind::inherit: return "inherit";
    case output_kind::log: return "log";
    case output_kind::journal: return "journal";
    case output_kind::syslog: return "syslog";
    case output_kind::null: return "null";
    case output_kind::file: return "file";
    case output_kind::append: return "append";
    case output_kind::truncate: return "truncate";
    }
    return {};
}

std::string_view to_text(input_kind value)
{
    switch (value) {
    case input_kind::null: return "null";
    case input_kind::file: return "file";
    case input_kind::data: return "data";
    }
    return {};
}

} // namespace procctl
