#include "daemon/log_sources.h"
#include "tests/support/catch.h"

using namespace procctl;

namespace {

output_place file(std::string path, log_format format = log_format::raw)
{
    output_place out;
    out.path = std::move(path);
    out.format = format;
    return out;
}

output_place nowhere(std::string note)
{
    output_place out;
    out.note = std::move(note);
    return out;
}

log_source source(std::string path, std::string stream)
{
    log_source out{.name = "web@1", .path = std::move(path)};
    out.program = "web";
    out.stream = std::move(stream);
    return out;
}

std::vector<log_source> sources_of(output_place standard_output, std::optional<output_place> standard_error)
{
    output_view view;
    view.standard_output = std::move(standard_output);
    view.standard_error = std::move(standard_error);
    return log_sources_of("web@1", "web", view);
}

using sources = std::vector<log_source>;

} // namespace

TEST_CASE("an instance has one log, or one for each stream", "[log_sources]")
{
    CHECK(sources_of(file("/web.log"), {}) == sources{source("/web.log", "")});
    CHECK(sources_of(file("/web.log"), file("/web.err")) ==
          sources{source("/web.log", "stdout"), source("/web.err", "stderr")});
    CHECK(sources_of(file("/web.log"), file("/web.log")) == sources{source("/web.log", "")});
}

TEST_CASE("what a log's lines say of themselves is passed on", "[log_sources]")
{
    log_source both = source("/web.log", "");
    both.format = log_format::json;
    CHECK(sources_of(file("/web.log", log_format::json), {}) == sources{both}); // by one pipe
    both.has_streams = true;
    CHECK(sources_of(file("/web.log", log_format::json), file("/web.log", log_format::json)) ==
          sources{both});
    output_place stamped = file("/web.log");
    stamped.timestamps = log_timestamps::local;
    CHECK(sources_of(stamped, {})[0].timestamps == log_timestamps::local);
}

TEST_CASE("of output that goes elsewhere it is said where", "[log_sources]")
{
    const sources none = sources_of(nowhere("goes to the journal"), {});
    REQUIRE(none.size() == 1);
    CHECK(none[0].note == "its output goes to the journal");
    const sources half = sources_of(file("/web.log"), nowhere("goes nowhere"));
    REQUIRE(half.size() == 2);
    CHECK(half[0].note.empty());
    CHECK(half[1].note == "its standard error goes nowhere");
    CHECK(half[1].stream == "stderr");
}

TEST_CASE("a program with one instance is called as that", "[log_sources]")
{
    output_view view;
    view.standard_output = file("/web.log");
    CHECK(log_sources_of("web", "web", view)[0].program.empty());
}
