#include "daemon/helpers/stream_files.h"
#include "tests/support/catch.h"

using namespace procctl;
using how = file_access;

namespace {

using files = std::vector<stream_file>;

constexpr std::array in = {true, false, false};
constexpr std::array out = {false, true, false};
constexpr std::array err = {false, false, true};
constexpr std::array out_err = {false, true, true};
constexpr std::array all = {true, true, true};

input_choice from(std::string path) { return {input_kind::file, std::move(path)}; }
output_choice to(std::string path, output_kind kind = output_kind::file) { return {kind, std::move(path)}; }

} // namespace

namespace Catch {
template <> struct StringMaker<stream_file> {
    static std::string convert(const stream_file& file)
    {
        std::string text(to_text(file.access));
        text += ' ' + file.path;
        for (const bool is_for : file.is_for)
            text += is_for ? " yes" : " no";
        return text;
    }
};
} // namespace Catch

TEST_CASE("only files are opened", "[stream_files]")
{
    CHECK(files_to_open({}).empty());
    using enum output_kind;
    for (const auto kind : {inherit, log, journal, syslog, null})
        CHECK(files_to_open({.standard_input = {input_kind::data, {}},
                             .standard_output = {kind, {}},
                             .standard_error = {kind, {}}})
                  .empty());
}

TEST_CASE("each way of opening", "[stream_files]")
{
    CHECK(files_to_open({.standard_input = from("/a"),
                         .standard_output = to("/b", output_kind::append),
                         .standard_error = to("/c", output_kind::truncate)}) ==
          files{{how::read, "/a", in}, {how::append, "/b", out}, {how::truncate, "/c", err}});
    CHECK(files_to_open({.standard_error = to("/c")}) == files{{how::write, "/c", err}});
}

TEST_CASE("output and error of the same choice share one description", "[stream_files]")
{
    for (const auto& [kind, access] :
         {std::pair(output_kind::file, how::write), std::pair(output_kind::append, how::append),
          std::pair(output_kind::truncate, how::truncate)}) {
        CHECK(files_to_open({.standard_output = to("/b", kind), .standard_error = to("/b", kind)}) ==
              files{{access, "/b", out_err}});
        CHECK(files_to_open(
                  {.standard_output = to("/b", kind), .standard_error = {output_kind::inherit, {}}}) ==
              files{{access, "/b", out_err}});
    }
    CHECK(files_to_open({.standard_output = to("/b"), .standard_error = to("/b", output_kind::append)}) ==
          files{{how::write, "/b", out}, {how::append, "/b", err}});
    CHECK(files_to_open({.standard_output = to("/b"), .standard_error = to("/c")}) ==
          files{{how::write, "/b", out}, {how::write, "/c", err}});
}

TEST_CASE("input and output of one path are opened once, for both", "[stream_files]")
{
    CHECK(files_to_open(
              {.standard_input = from("/a"), .standard_output = to("/a"), .standard_error = to("/a")}) ==
          files{{how::read_write, "/a", all}});
    CHECK(files_to_open({.standard_input = from("/a"), .standard_error = to("/a")}) ==
          files{{how::read_write, "/a", {true, false, true}}});
    // A description that is not for writing would be of no use to who appends.
    CHECK(files_to_open({.standard_input = from("/a"),
                         .standard_output = to("/a", output_kind::append),
                         .standard_error = {output_kind::inherit, {}}}) ==
          files{{how::read, "/a", in}, {how::append, "/a", out_err}});
}

TEST_CASE("output inherits what input is", "[stream_files]")
{
    const output_choice inherit{output_kind::inherit, {}};
    CHECK(files_to_open(
              {.standard_input = from("/a"), .standard_output = inherit, .standard_error = inherit}) ==
          files{{how::read, "/a", all}});
    CHECK(files_to_open({.standard_input = from("/a"), .standard_output = inherit}) ==
          files{{how::read, "/a", {true, true, false}}});
    CHECK(files_to_open(
              {.standard_input = from("/a"), .standard_output = inherit, .standard_error = to("/a")}) ==
          files{{how::read_write, "/a", all}});
}
