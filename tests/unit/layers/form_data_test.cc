#include "layers/form_data.h"

#include <catch2/catch.hpp>

TEST_CASE("file names in form data keep their quotes, backslashes and line ends") {
  CHECK(cobble::layers::escape_file_name("/q\"uo\\te\r\n") == "/q\\\"uo\\\\te%0D%0A");
  CHECK(cobble::layers::escape_file_name("/plain é") == "/plain é");
}
