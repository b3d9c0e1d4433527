#include "daemon/describe_output.h"

namespace procctl {
namespace {

output_place place_of_pipe(const stream_settings& s, const stream_health& health)
{
    output_place place;
    switch (s.sink) {
    case stream_sink::file: place.path = s.path; break;
    case stream_sink::journal:
        place.note = "goes to the journal: `journalctl PROCCTL_INSTANCE=" + s.instance + "`";
        break;
    case stream_sink::syslog: place.note = "goes to syslog, with the tag '" + s.identifier + "'"; break;
    }
    place.format = s.format;
    place.timestamps = s.timestamps;
    place.trouble = health.trouble;
    place.trouble_since = health.since;
    place.dropped = health.dropped;
    return place;
}

output_place place_of_file(const output_choice& choice)
{
    output_place place;
    switch (choice.kind) {
    case output_kind::file:
    case output_kind::append:
    case output_kind::truncate: place.path = choice.path; break;
    case output_kind::inherit: place.note = "goes to what its standard input is"; break;
    case output_kind::null:
    case output_kind::log: // a pipe, as the next two
    case output_kind::journal:
    case output_kind::syslog: place.note = "goes to /dev/null"; break;
    }
    return place;
}

} // namespace

output_view describe_output(const prepared_streams& streams, log_error_action on_error,
                            const stream_health& out, const stream_health& err)
{
    output_view view;
    view.on_error = on_error;
    view.standard_output = streams.out ? place_of_pipe(*streams.out, out) : place_of_file(streams.out_file);
    if (streams.err)
        view.standard_error = place_of_pipe(*streams.err, err);
    else if (!streams.shares_pipe && streams.err_file.kind != output_kind::inherit &&
             streams.err_file != streams.out_file)
        view.standard_error = place_of_file(streams.err_file);
    return view;
}

} // namespace procctl
