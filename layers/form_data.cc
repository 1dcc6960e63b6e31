#include "layers/form_data.h"

namespace cobble::layers {

std::string escape_file_name(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    if (c == '\r') {
      escaped += "%0D";
    } else if (c == '\n') {
      escaped += "%0A";
    } else {
      if (c == '\\' || c == '"') escaped += '\\';
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace cobble::layers
