#include "daemon/config/reference.h"

#include "daemon/core/program_keys.h"

namespace procctl {
namespace {

std::string cell(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

std::string code(std::string_view text) { return text.empty() ? std::string{} : '`' + cell(text) + '`'; }

void append_row(std::string& out, const program_key& key)
{
    out += "| " + code(key.name) + " | " + cell(key.directive.empty() ? "–" : key.directive) + " | " +
           cell(key.default_text) + " | " + cell(key.allowed) + " | " + cell(key.doc) + " |\n";
}

} // namespace

std::string reference_markdown()
{
    std::string out = "| key | systemd | default | allowed | meaning |\n| --- | --- | --- | --- | --- |\n";
    for (const program_key& key : program_keys())
        append_row(out, key);
    out +=
        "\nThe keys in the map `log`:\n\n| key | default | allowed | meaning |\n| --- | --- | --- | --- |\n";
    for (const program_key& key : log_keys())
        out += "| " + code(key.name) + " | " + cell(key.default_text) + " | " + cell(key.allowed) + " | " +
               cell(key.doc) + " |\n";
    return out;
}

} // namespace procctl
