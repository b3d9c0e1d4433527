// The descriptors that a program has given into the daemon's keeping (FDSTORE=1 of sd_notify(3)), to get them
// back when it is started again. One store per instance.
#pragma once

#include "common/unique_fd.h"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace procctl {

class descriptor_store {
public:
    explicit descriptor_store(boost::asio::io_context&);
    ~descriptor_store();
    descriptor_store(descriptor_store&&) noexcept;
    descriptor_store& operator=(descriptor_store&&) noexcept;

    struct outcome {
        std::size_t kept = 0;
        std::size_t duplicate = 0; // of the same open file as one that is stored: closed
        std::size_t refused = 0;   // beyond `most`: closed
    };
    // Stores descriptors, one after another, under one name, as long as there are fewer than `most`. With
    // `polls` one is dropped as soon as it hangs up, if it is of a kind that can (a file cannot).
    outcome add(std::vector<unique_fd>, const std::string& name, bool polls, std::size_t most);

    // Closes all of this name, and says how many there were.
    std::size_t remove(const std::string& name);
    void clear();

    struct entry {
        int descriptor = -1; // borrowed; open until the store is changed or the loop goes on
        std::string name;
    };
    // What is stored, in the order for LISTEN_FDS, which is systemd's: the last one stored comes first. What
    // has hung up by the time of the call is not among them.
    [[nodiscard]] std::vector<entry> entries();

    [[nodiscard]] bool is_empty() const { return size() == 0; }
    [[nodiscard]] std::size_t size() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace procctl
