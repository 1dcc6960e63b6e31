# The libraries, each behind one interface target. Debian's exported targets of spdlog, fmt and yaml-cpp are shared
# libraries, so yaml-cpp is named by path, and spdlog and fmt are used header-only in exactly one .cc (daemon/base/log.cc).
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)

add_library(cobble_asio INTERFACE)
target_include_directories(cobble_asio SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(cobble_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_VISIBILITY BOOST_BEAST_USE_STD_STRING_VIEW)
target_link_libraries(cobble_asio INTERFACE Threads::Threads)

find_library(YAML_CPP_STATIC NAMES libyaml-cpp.a REQUIRED)
add_library(cobble_yaml INTERFACE)
target_compile_definitions(cobble_yaml INTERFACE YAML_CPP_STATIC_DEFINE)
target_link_libraries(cobble_yaml INTERFACE ${YAML_CPP_STATIC})

find_package(nlohmann_json 3.11 REQUIRED)
add_library(cobble_json INTERFACE)
target_link_libraries(cobble_json INTERFACE nlohmann_json::nlohmann_json)

add_library(cobble_log INTERFACE)
target_compile_definitions(cobble_log INTERFACE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)

set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL 3.0 REQUIRED)
add_library(cobble_openssl INTERFACE)
target_link_libraries(cobble_openssl INTERFACE OpenSSL::SSL OpenSSL::Crypto)

find_library(CARES_STATIC NAMES libcares.a REQUIRED)
add_library(cobble_resolver INTERFACE)
target_link_libraries(cobble_resolver INTERFACE ${CARES_STATIC})

find_library(CRYPT_STATIC NAMES libcrypt.a REQUIRED)
add_library(cobble_crypt INTERFACE)
target_link_libraries(cobble_crypt INTERFACE ${CRYPT_STATIC})
