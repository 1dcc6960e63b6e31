#pragma once

namespace cobble::lifecycle {

/// Gives back the resident pages of code and constants that only the start-up needed: the kernel keeps them in its page cache,
/// and maps those that are used again on their next use. Nothing that is ever written is touched.
void release_start_up_pages();

}  // namespace cobble::lifecycle
