#include "tests/support/oracle.h"

#include <fstream>
#include <iostream>
#include <stdexcept>

namespace procctl::oracle {
namespace {

std::string undo_escapes(std::string_view field)
{
    std::string text;
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] != '\\' || i + 1 == field.size()) {
            text += field[i];
            continue;
        }
        const char c = field[++i];
        text += c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
    return text;
}

std::string_view trim(std::string_view text)
{
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

} // namespace

std::vector<std::string> split(std::string_view text, std::string_view separator)
{
    std::vector<std::string> parts;
    if (text.empty()) return parts;
    for (std::size_t begin = 0;;) {
        const std::size_t end = text.find(separator, begin);
        parts.emplace_back(trim(text.substr(begin, end - begin)));
        if (end == std::string_view::npos) return parts;
        begin = end + separator.size();
    }
}

std::vector<row> read_table(const std::string& name)
{
    const std::string path = std::string(PROCCTL_SOURCE_DIR) + "/tests/oracle/" + name + ".tsv";
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot open " + path);
    const auto fields_of = [](const std::string& line) {
        std::vector<std::string> fields;
        for (std::size_t begin = 0;;) {
            const std::size_t end = line.find('\t', begin);
            fields.push_back(undo_escapes(std::string_view(line).substr(begin, end - begin)));
            if (end == std::string::npos) return fields;
            begin = end + 1;
        }
    };
    std::string line;
    std::getline(file, line);
    const std::vector<std::string> columns = fields_of(line);
    std::vector<row> rows;
    while (std::getline(file, line)) {
        const std::vector<std::string> fields = fields_of(line);
        if (fields.size() != columns.size()) throw std::runtime_error(path + ": a bad row: " + line);
        row& added = rows.emplace_back();
        for (std::size_t i = 0; i < columns.size(); ++i)
            added[columns[i]] = fields[i];
    }
    return rows;
}

std::vector<directive> parse_unit(std::string_view text)
{
    std::vector<directive> directives;
    std::string section;
    for (const std::string& line : split(text, "\n")) {
        if (line.empty()) continue;
        if (line.starts_with('[')) {
            section = line.substr(1, line.size() - 2);
            continue;
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string::npos) throw std::runtime_error("not an assignment: " + line);
        directives.push_back({section, line.substr(0, equals), line.substr(equals + 1)});
    }
    return directives;
}

comparison::comparison() : expected_(read_table("expected-differences")) {}

void comparison::compare(const std::string& id, const std::string& column, const std::string& systemd,
                         const std::string& ours)
{
    ++values_compared_;
    if (systemd == ours) return;
    for (std::size_t i = 0; i < expected_.size(); ++i) {
        const row& e = expected_[i];
        if (e.at("id") == id && e.at("column") == column && e.at("systemd") == systemd &&
            e.at("ours") == ours) {
            occurred_.insert(i);
            return;
        }
    }
    unlisted_ += id + '\t' + column + '\t' + systemd + '\t' + ours + '\n';
}

bool comparison::agrees(const std::set<std::string>& ids) const
{
    std::string missing;
    for (std::size_t i = 0; i < expected_.size(); ++i) {
        const row& e = expected_[i];
        if (ids.contains(e.at("id")) && !occurred_.contains(i))
            missing +=
                e.at("id") + '\t' + e.at("column") + '\t' + e.at("systemd") + '\t' + e.at("ours") + '\n';
    }
    if (!unlisted_.empty())
        std::cout << "not listed in tests/oracle/expected-differences.tsv:\n" << unlisted_;
    if (!missing.empty())
        std::cout << "listed in tests/oracle/expected-differences.tsv, but it does not occur:\n" << missing;
    return unlisted_.empty() && missing.empty();
}

std::string comparison::summary(const std::string& table, std::size_t rows) const
{
    return "oracle: " + table + ": " + std::to_string(rows) + " rows, " + std::to_string(values_compared_) +
           " values, " + std::to_string(occurred_.size()) + " expected differences";
}

} // namespace procctl::oracle
