#include "daemon/state/records.h"

namespace cobble::state {

std::string_view status_text(Status status) {
  switch (status) {
    case Status::hold:
      return "Hold";
    case Status::unset:
    case Status::todo:
      return "Do";
    case Status::doing:
      return "Doing";
    case Status::done:
      return "Done";
    case Status::abort:
      return "Abort";
    case Status::undo:
      return "Undo";
    case Status::undoing:
      return "Undoing";
    case Status::undone:
      return "Undone";
    case Status::error:
      return "Error";
    case Status::wait:
      return "Wait";
  }
  return "Do";
}

bool is_ready(Status status) {
  return status == Status::done || status == Status::undone || status == Status::hold || status == Status::error;
}

}  // namespace cobble::state
