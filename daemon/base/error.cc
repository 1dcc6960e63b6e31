#include "daemon/base/error.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace cobble::base {

namespace {

struct Text {
  int error;
  const char* text;
};

// Where the C library's English differs from the reference by more than the case of its first letter.
constexpr std::array texts{
    Text{EAGAIN, "resource temporarily unavailable"},
    Text{EBUSY, "device or resource busy"},
    Text{EIO, "input/output error"},
    Text{EINVAL, "invalid argument"},
    Text{ENAMETOOLONG, "file name too long"},
    Text{ESRCH, "no such process"},
    Text{EXDEV, "invalid cross-device link"},
    Text{ETXTBSY, "text file busy"},
    Text{ERANGE, "numerical result out of range"},
    Text{EDOM, "numerical argument out of domain"},
};

}  // namespace

std::string errno_text(int error) {
  for (const auto& [number, text] : texts)
    if (number == error) return text;
  const char* known = ::strerrordesc_np(error);
  if (known == nullptr) return "errno " + std::to_string(error);
  std::string text = known;
  // Words such as "RFS specific error" keep their capitals.
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z'))
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

}  // namespace cobble::base
