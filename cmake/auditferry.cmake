# How every target of this project is built: warnings, sanitizers, and one library plus one test
# program per folder.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
find_package(Boost 1.81 REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)

add_library(auditferry_options INTERFACE)
target_include_directories(auditferry_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_definitions(auditferry_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY=1 AUDITFERRY_VERSION="${PROJECT_VERSION}")
target_compile_options(auditferry_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-qual -Wformat=2 -Wimplicit-fallthrough -fno-omit-frame-pointer)
# g++ 12 takes the frame of an inlined coroutine for memory of another allocator.
target_compile_options(auditferry_options INTERFACE -Wno-mismatched-new-delete)
target_link_libraries(auditferry_options INTERFACE Threads::Threads Boost::boost)
if(AUDITFERRY_SANITIZE)
  target_compile_options(auditferry_options INTERFACE -fsanitize=${AUDITFERRY_SANITIZE} -fno-sanitize-recover=all -g1)
  target_link_options(auditferry_options INTERFACE -fsanitize=${AUDITFERRY_SANITIZE})
  if(AUDITFERRY_SANITIZE MATCHES thread)
    # Asio uses atomic_thread_fence, which TSan does not model; g++ warns of it in every file.
    target_compile_options(auditferry_options INTERFACE -Wno-tsan)
  endif()
  # g++ 12 draws false maybe-uninitialized warnings out of instrumented coroutines.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(auditferry_options INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()

if(AUDITFERRY_FUZZ)
  target_compile_options(auditferry_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# auditferry_library(NAME SOURCES a.cc … [TESTS a_test.cc …] [LINK …] [TEST_LINK …])
# builds the static library auditferry_NAME and the test program NAME_test.
function(auditferry_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;TESTS;LINK;TEST_LINK" ${ARGN})
  add_library(auditferry_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(auditferry_${name} PUBLIC auditferry_options ${ARG_LINK})
  if(AUDITFERRY_TESTS AND ARG_TESTS)
    auditferry_test(${name}_test SOURCES ${ARG_TESTS} LINK auditferry_${name} ${ARG_TEST_LINK})
  endif()
endfunction()

# auditferry_test(NAME SOURCES … LINK …): one GoogleTest program; each of its tests is a CTest entry.
function(auditferry_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 900)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} auditferry_options GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
