#pragma once

namespace cobble::lifecycle {

/// Gives back the resident pages of code and constants that only the start-up needed: the kernel keeps them in its page cache,
/// and maps those that are used again on their next use. Nothing that is ever written is touched.
void release_start_up_pages();

/// Keeps the allocator from holding on to what large requests have used: glibc would raise its marks for good with the first
/// large block that is freed. Once, before anything large is allocated.
void return_large_blocks();

}  // namespace cobble::lifecycle
