// The grammars of single values: what is read is written and read again as the same.
#include "common/exit_status.h"
#include "common/instance_name.h"
#include "common/signal_name.h"
#include "common/size.h"
#include "common/time.h"
#include "daemon/core/base64.h"
#include "daemon/core/escapes.h"
#include "daemon/core/program_keys.h"

#include <cstdint>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto d = parse_duration(text); d && parse_duration(format_duration(*d)).value() != *d)
        std::abort();
    if (const auto d = parse_duration(text, duration(1)); d && d->count() < 0) std::abort();
    if (const auto s = parse_size(text); s && parse_size(format_size(*s)).value() != *s) std::abort();
    if (const auto s = parse_signal(text); s && parse_signal(signal_name(*s)).value() != *s) std::abort();
    if (const auto n = parse_instance_name(text); n && n->text() != text) std::abort();
    (void)parse_exit_code(text);

    exit_status_set set;
    exit_status_set again;
    if (set.add(text) && (!again.add(set.format()) || again != set)) std::abort();

    const auto half = text.find('\n');
    const std::string_view pattern = text.substr(0, half);
    if (half != std::string_view::npos) (void)glob_matches(pattern, text.substr(half + 1));
    if (!is_glob(pattern) && !glob_matches(pattern, pattern)) std::abort();

    if (unescape(escape(text), nul_bytes::allowed).value() != text) std::abort();
    if (from_base64(to_base64(text)).value() != text) std::abort();
    if (const auto t = unescape(text, nul_bytes::refused);
        t && t->find('\0') < t->size() && text.find('\0') == text.npos)
        std::abort();
    if (const auto b = from_base64(text); b && from_base64(to_base64(*b)).value() != *b) std::abort();

    // Every key that takes a text, and one alone: whatever is right survives its canonical form.
    const auto with_all = [&](std::span<const program_key> rows) {
        config_value map;
        map.type = config_value::kind::map;
        for (const program_key& key : rows)
            map.entries.emplace_back(config_value::scalar(std::string(key.name)),
                                     config_value::scalar(std::string(text)));
        return map;
    };
    config_value keys = with_all(program_keys());
    keys.entries.emplace_back(config_value::scalar("log"), with_all(log_keys()));
    for (const config_entry& entry : keys.entries) {
        config_value one;
        one.type = config_value::kind::map;
        one.entries.emplace_back(config_value::scalar("type"), config_value::scalar("simple"));
        one.entries.emplace_back(config_value::scalar("exec_start"), config_value::scalar("/x"));
        if (entry.first.text != "type" && entry.first.text != "exec_start") one.entries.push_back(entry);
        diagnostics wrong;
        const program_config program = parse_program("p", one, "f", wrong);
        if (!has_errors(wrong) && parse_program("p", format_program(program), "f", wrong) != program)
            std::abort();
    }
    diagnostics problems;
    (void)parse_program("p", keys, "f", problems);
    return 0;
}
