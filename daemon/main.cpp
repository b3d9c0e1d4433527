// procctld: the daemon, and, by hidden first arguments, the processes that it makes of its own binary.
#include "daemon/config/check.h"
#include "daemon/daemon.h"
#include "daemon/helpers/helper_main.h"
#include "daemon/options.h"
#include "daemon/os/memory.h"
#include "daemon/output/output_client.h"

#include <iostream>
#include <string_view>

#include <sys/prctl.h>
#include <unistd.h>

using namespace procctl;

int main(int argc, char** argv)
try {
    allocate_large_blocks_apart();
    const std::string_view role = argc > 1 ? argv[1] : "";
    // Both are executed through a link, which would be their name in ps(1).
    if (role == "--output-process") {
        ::prctl(PR_SET_NAME, "procctld-output");
        return output_process_main();
    }
    if (role == "--helper") {
        ::prctl(PR_SET_NAME, "procctld-helper");
        return helper_main({argv + 2, argv + argc});
    }

    const daemon_command command = parse_daemon_options(argc, argv, ::geteuid() == 0);
    if (const auto* text = std::get_if<print_command>(&command)) {
        std::cout << text->text << std::flush;
        return std::cout ? 0 : 1;
    }
    if (const auto* wrong = std::get_if<usage_error>(&command)) {
        std::cerr << wrong->text;
        return 2;
    }
    if (const auto* check = std::get_if<check_command>(&command))
        return check_main(check->request, std::cout, std::cerr);
    return run_daemon(std::get<run_command>(command).request);
} catch (const std::exception& failure) {
    std::cerr << "procctld: " << failure.what() << '\n';
    return 1;
}
