#include "daemon/helpers/stream_files.h"

#include <algorithm>
#include <optional>

namespace procctl {
namespace {

std::optional<file_access> access_of(output_kind kind)
{
    switch (kind) {
    case output_kind::file: return file_access::write;
    case output_kind::append: return file_access::append;
    case output_kind::truncate: return file_access::truncate;
    case output_kind::inherit:
    case output_kind::log:
    case output_kind::journal:
    case output_kind::syslog:
    case output_kind::null: return {};
    }
    return {};
}

// With another access the input's description would be of no use for writing.
bool can_share(const stream_file& opened, file_access wanted)
{
    if (opened.access == wanted) return true;
    return wanted == file_access::write &&
           (opened.access == file_access::read || opened.access == file_access::read_write);
}

// Adds what standard output (1) or error (2) wants.
void add(std::vector<stream_file>& files, std::size_t stream, const output_choice& choice)
{
    if (choice.kind == output_kind::inherit) {
        for (stream_file& file : files)
            if (file.is_for[stream - 1]) file.is_for[stream] = true;
        return;
    }
    const auto access = access_of(choice.kind);
    if (!access) return;
    const auto same = std::ranges::find_if(
        files, [&](const stream_file& file) { return file.path == choice.path && can_share(file, *access); });
    if (same == files.end()) {
        files.push_back({*access, choice.path, {}});
        files.back().is_for[stream] = true;
        return;
    }
    if (same->access == file_access::read) same->access = file_access::read_write;
    same->is_for[stream] = true;
}

} // namespace

std::vector<stream_file> files_to_open(const stream_choices& choices)
{
    std::vector<stream_file> files;
    if (choices.standard_input.kind == input_kind::file)
        files.push_back({file_access::read, choices.standard_input.path, {true, false, false}});
    add(files, 1, choices.standard_output);
    add(files, 2, choices.standard_error);
    return files;
}

std::string_view to_text(file_access access)
{
    switch (access) {
    case file_access::read: return "read";
    case file_access::read_write: return "read-write";
    case file_access::write: return "write";
    case file_access::append: return "append";
    case file_access::truncate: return "truncate";
    }
    return "";
}

} // namespace procctl
