// The tables in tests/oracle: what the real systemd did, read as they stand. NOTES.md there explains them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace procctl::oracle {

// One row of a table, by column; the escapes \t, \n and \\ are undone.
using row = std::map<std::string, std::string>;

// tests/oracle/<name>.tsv. Throws when the table is missing or a row has more or fewer fields than the
// header.
[[nodiscard]] std::vector<row> read_table(const std::string& name);

// "RestartSec=50ms" in section "Service".
struct directive {
    std::string section;
    std::string name;
    std::string value;
};
[[nodiscard]] std::vector<directive> parse_unit(std::string_view text);

// "a; b" -> a, b.
[[nodiscard]] std::vector<std::string> split(std::string_view text, std::string_view separator);

// Compares what we do with what systemd did. Rows that must differ stand in expected-differences.tsv, each
// with its reason; anything else that differs is a mistake, and so is a listed difference that does not
// occur.
class comparison {
public:
    comparison();
    void compare(const std::string& id, const std::string& column, const std::string& systemd,
                 const std::string& ours);
    // Whether all is as listed for the rows in `ids`, which are those that were compared. What is not is
    // printed to the standard output, in the form of the list.
    [[nodiscard]] bool agrees(const std::set<std::string>& ids) const;
    [[nodiscard]] std::size_t values_compared() const { return values_compared_; }
    // "oracle: notify: 91 rows, 1389 values, 0 expected differences", for the test to print.
    [[nodiscard]] std::string summary(const std::string& table, std::size_t rows) const;

private:
    std::vector<row> expected_;
    std::set<std::size_t> occurred_; // indices into expected_
    std::string unlisted_;
    std::size_t values_compared_ = 0;
};

} // namespace procctl::oracle
