// Catch2, whichever version is installed: 2.13 (Debian 12) or 3.
#pragma once

#include "common/result.h"

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

// CHECK(parse(text)) shows the error; the value need not be printable.
template <class T> struct Catch::StringMaker<boost::system::result<T, procctl::error>> {
    static std::string convert(const boost::system::result<T, procctl::error>& r)
    {
        return r ? "a value" : "error: " + r.error().message();
    }
};
