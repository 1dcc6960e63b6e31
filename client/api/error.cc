#include "client/api/error.h"

#include <cstring>

namespace cobble::client {

std::string system_error_text(int number) {
  const char* words = strerrordesc_np(number);
  std::string text = words ? words : "errno " + std::to_string(number);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

}  // namespace cobble::client
