#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/log_request.h"
#include "tests/support/catch.h"

using namespace procctl;

namespace {

log_source stream_of(std::string name, std::string stream)
{
    log_source out{.name = std::move(name), .path = "/var/log/x"};
    out.stream = std::move(stream);
    return out;
}

} // namespace

TEST_CASE("a request reaches the helper as it is", "[log_request]")
{
    log_request request;
    request.what.lines.reset();
    const auto check = [&request] {
        const auto back = log_request_from_json(to_json(request));
        REQUIRE(back);
        CHECK(*back == request);
        for (const std::string& argument : log_task(request))
            CHECK(argument.size() < 128U << 10U);
    };
    SECTION("with what there is by default")
    {
        request.what.lines = 10;
        request.sources = {{.name = "web", .path = "/var/log/web.log"}};
        check();
    }
    SECTION("with everything")
    {
        log_source a = stream_of("web@1", "stderr");
        a.program = "web";
        a.format = log_format::json;
        a.timestamps = log_timestamps::local;
        log_source b = stream_of("api", "");
        b.has_streams = true;
        b.note = "goes to the journal";
        b.timestamps = log_timestamps::iso;
        request.sources = {a, b};
        request.what = {.lines = {},
                        .follow = true,
                        .since = 5,
                        .until = 1'795'197'389'000'005,
                        .stream = "stderr",
                        .pattern = "a|\"b\\",
                        .output = log_output::json,
                        .has_color = true};
        check();
    }
    SECTION("of thousands of logs")
    {
        for (int i = 0; i < 5000; ++i)
            request.sources.push_back(
                {.name = "web@" + std::to_string(i), .path = "/var/log/" + std::to_string(i)});
        check();
    }
}

TEST_CASE("what is no request is refused", "[log_request]")
{
    for (const char* const text : {"", "[]", "{}", "{\"sources\":[7]}", "{\"sources\":[],\"lines\":-1}",
                                   "{\"sources\":[],\"since\":\"now\"}", "{\"sources\":{}}"}) {
        CAPTURE(text);
        CHECK_FALSE(log_request_from_json(text));
    }
}

TEST_CASE("of two logs the one of the stream that is asked for is read", "[log_request]")
{
    log_request request{.sources = {stream_of("web", "stdout"), stream_of("web", "stderr")}, .what = {}};
    request.what.stream = "stderr";
    CHECK_FALSE(select_stream(request));
    REQUIRE(request.sources.size() == 1);
    CHECK(request.sources[0].stream == "stderr");
}

TEST_CASE("a stream that cannot be told from the other is refused, with the reason", "[log_request]")
{
    log_request request{.sources = {stream_of("api", "stdout"), stream_of("web", "")}, .what = {}};
    request.what.stream = "stdout";
    SECTION("one pipe")
    {
        const auto refused = select_stream(request);
        REQUIRE(refused);
        CHECK(refused->status == 409);
        CHECK(refused->kind == "streams-shared");
        CHECK(refused->message.starts_with(
            "the standard output and the standard error of 'web' share one pipe"));
    }
    SECTION("lines that say from which they are")
    {
        request.sources[1].has_streams = true;
        CHECK_FALSE(select_stream(request));
        CHECK(request.sources.size() == 2);
    }
    SECTION("nothing to read at all")
    {
        request.sources[1].note = "its output goes nowhere";
        CHECK_FALSE(select_stream(request));
        CHECK(request.sources.size() == 2);
    }
    SECTION("both are wanted")
    {
        request.what.stream.clear();
        CHECK_FALSE(select_stream(request));
        CHECK(request.sources.size() == 2);
    }
}

TEST_CASE("a note about one stream is for who asks for it, or for who would get nothing", "[log_request]")
{
    log_request request{.sources = {stream_of("web", "stdout"), stream_of("web", "stderr")}, .what = {}};
    request.sources[1].note = "its standard error goes nowhere";
    SECTION("both streams")
    {
        CHECK_FALSE(select_stream(request));
        REQUIRE(request.sources.size() == 1);
        CHECK(request.sources[0].note.empty());
    }
    SECTION("that stream")
    {
        request.what.stream = "stderr";
        CHECK_FALSE(select_stream(request));
        REQUIRE(request.sources.size() == 1);
        CHECK_FALSE(request.sources[0].note.empty());
    }
    SECTION("no log at all")
    {
        request.sources[0].note = "its output goes nowhere";
        CHECK_FALSE(select_stream(request));
        CHECK(request.sources.size() == 2);
    }
}
