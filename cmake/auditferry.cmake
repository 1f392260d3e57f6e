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
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY=1 AUDITFERRY_VERSION="${PROJECT_VERSION}"
  # Their functions are compiled once, in core/boost_asio.cc and net/boost_beast.cc.
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)
target_compile_options(auditferry_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-qual -Wformat=2 -Wimplicit-fallthrough -fno-omit-frame-pointer)
# g++ 12 takes the frame of an inlined coroutine for memory of another allocator.
target_compile_options(auditferry_options INTERFACE -Wno-mismatched-new-delete)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The compiler collects its garbage later: a tenth faster, for half a gigabyte.
  target_compile_options(auditferry_options INTERFACE --param=ggc-min-heapsize=524288)
endif()
target_link_libraries(auditferry_options INTERFACE Threads::Threads Boost::boost)
if(AUDITFERRY_SANITIZE)
  target_compile_options(auditferry_options INTERFACE -fsanitize=${AUDITFERRY_SANITIZE} -fno-sanitize-recover=all -g1)
  if(AUDITFERRY_SANITIZE MATCHES undefined)
    # What AddressSanitizer sees as well, or x86 does not mind: these checks are a third of the time to compile.
    target_compile_options(auditferry_options INTERFACE -fno-sanitize=null,alignment,object-size)
  endif()
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

# With CMAKE_UNITY_BUILD, for builds that are made whole, files are compiled sixteen at a time, which saves most of what headers cost. The
# names of a file's anonymous namespace must therefore be its own in its folder.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)
if(CMAKE_UNITY_BUILD)
  # A file's own types are then those of a header, to the compiler, and its own names global ones.
  target_compile_options(auditferry_options INTERFACE -Wno-subobject-linkage -Wno-shadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 takes "text" + std::string for an overlapping copy where it inlines enough.
    target_compile_options(auditferry_options INTERFACE -Wno-restrict)
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

# auditferry_test(NAME SOURCES … LINK … [TIMEOUT seconds] [COST n]): one GoogleTest program; each of its tests is a
# CTest entry. The costliest begin first.
function(auditferry_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;COST" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 900)
  endif()
  if(NOT ARG_COST)
    set(ARG_COST 1)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  if(CMAKE_BUILD_TYPE STREQUAL Debug)
    # Half the time to compile, and it is the libraries that have to be quick. They stand before the test's own objects,
    # so that of an inline function that both have it is theirs that is linked: tests ran up to a third longer without.
    target_compile_options(${name} PRIVATE -O0)
    set(ours ${ARG_LINK})
    list(FILTER ours INCLUDE REGEX "^auditferry_")
    list(TRANSFORM ours REPLACE "(.+)" "$<TARGET_FILE:\\1>")
    target_link_options(${name} PRIVATE LINKER:--whole-archive ${ours} LINKER:--no-whole-archive)
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LINK} auditferry_options GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${ARG_TIMEOUT} COST ${ARG_COST})
endfunction()
