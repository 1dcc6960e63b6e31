# Flags that every target shares.
add_library(cobble_options INTERFACE)
target_include_directories(cobble_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(cobble_options INTERFACE COBBLE_VERSION="${PROJECT_VERSION}")
target_compile_options(cobble_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Wformat=2 -Werror
  -fPIE -ffunction-sections -fdata-sections -fvisibility=hidden -fstack-protector-strong)
target_compile_options(cobble_options INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wextra-semi -Wunreachable-code>)
target_link_options(cobble_options INTERFACE -Wl,--gc-sections -Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(cobble_options INTERFACE -fuse-ld=lld)
  # Precompiled headers stay valid for ccache.
  target_compile_options(cobble_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()

if(COBBLE_SANITIZE)
  # Clang's function sanitizer misfires on the type-erased handlers of Asio.
  target_compile_options(cobble_options INTERFACE -fsanitize=${COBBLE_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  target_link_options(cobble_options INTERFACE -fsanitize=${COBBLE_SANITIZE})
  target_compile_definitions(cobble_options INTERFACE COBBLE_SANITIZED)
endif()
if(COBBLE_FUZZ)
  target_compile_options(cobble_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The same sources give the same bytes wherever they lie, and any checkout can use what another one left in the cache.
target_compile_options(cobble_options INTERFACE -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(COBBLE_STATIC)
  # What ships is the same also without the cache: ccache hands the compiler paths from the build's folder.
  file(RELATIVE_PATH source_from_build ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/)
  target_compile_options(cobble_options INTERFACE -ffile-prefix-map=${source_from_build}=)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

# What was linked, libraries included, is told in NAME.link.d (packaging/sbom reads it).
function(cobble_link_static target)
  target_link_options(${target} PRIVATE -Wl,--dependency-file=$<TARGET_FILE:${target}>.link.d)
  target_link_options(${target} PRIVATE -static-pie -Wl,--pack-dyn-relocs=relr -Wl,--build-id=sha1 -Wl,--icf=safe)
endfunction()

# Strips the executable and keeps its debug information beside it as NAME.debug.
function(cobble_split_debug target)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND objcopy --only-keep-debug $<TARGET_FILE:${target}> $<TARGET_FILE:${target}>.debug
    COMMAND objcopy --strip-all --add-gnu-debuglink=$<TARGET_FILE:${target}>.debug $<TARGET_FILE:${target}>
    VERBATIM)
endfunction()
