// Everything of a kernel's text before its body: parameters, launch, shared allocations.
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "compiler/kernel/parser.h"
#include "compiler/kernel/rules.h"
#include "ir/base/shape.h"
#include "ir/base/status.h"

namespace ingot::kernel {
namespace {
constexpr int64_t kMaxElements = int64_t{1} << 56;  // times 16 bytes it still is an int64
}  // namespace

absl::StatusOr<KernelModule> Parser::Run() {
  while (Peek().kind != Token::Kind::kEnd) INGOT_RETURN_IF_ERROR(ParseKernel());
  return std::move(module_);
}

absl::Status Parser::ParseKernel() {
  if (!TakeWord("kernel")) return Error("expected 'kernel'");
  if (Peek().kind != Token::Kind::kKernelName) return Error("expected a @name");
  const Token name = Peek();
  for (const std::unique_ptr<Kernel>& other : module_.kernels) {
    if (other->name() == name.text) {
      return Error(absl::StrCat("@", name.text, " is defined twice"));
    }
  }
  ++position_;
  module_.kernels.push_back(std::make_unique<Kernel>(std::string(name.text)));
  kernel_ = module_.kernels.back().get();
  symbols_.clear();
  scope_.clear();
  made_.clear();
  INGOT_RETURN_IF_ERROR(ExpectSymbol("("));
  if (!AtSymbol(")")) {
    do {
      INGOT_RETURN_IF_ERROR(ParseParameter());
    } while (TakeSymbol(","));
  }
  INGOT_RETURN_IF_ERROR(ExpectSymbol(")"));
  INGOT_RETURN_IF_ERROR(ParseLaunch());
  INGOT_RETURN_IF_ERROR(ExpectSymbol("{"));
  INGOT_RETURN_IF_ERROR(ParseBlock(kernel_->body()));
  return ExpectSymbol("}");
}

absl::StatusOr<std::vector<int64_t>> Parser::ParseProduct(absl::string_view what) {
  const Token token = Peek();
  if (token.kind != Token::Kind::kExtent && token.kind != Token::Kind::kNumber) {
    return Error(absl::StrCat("expected ", what, ", as in 4x8"));
  }
  ++position_;
  std::vector<int64_t> extent;
  for (absl::string_view digits : absl::StrSplit(token.text, 'x')) {
    int64_t size = 0;
    if (!absl::SimpleAtoi(digits, &size)) {
      return ErrorFrom(token, absl::StrCat(what, ": ", digits, " is no size"));
    }
    extent.push_back(size);
  }
  return extent;
}

absl::StatusOr<std::vector<int64_t>> Parser::ParseExtent(absl::string_view what) {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(std::vector<int64_t> extent, ParseProduct(what));
  const std::optional<int64_t> count = CheckedProduct(extent);
  if (extent.size() > 64 || !count.has_value() || *count > kMaxElements) {
    return ErrorFrom(token, absl::StrCat(what, " is too large: ", token.text));
  }
  return extent;
}

absl::Status Parser::ParseParameter() {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, ExpectName());
  INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
  if (TakeWord("tensormap")) return ParseMap(token);
  if (!TakeWord("buffer")) {
    INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
    Operation* value = kernel_->AddScalar(std::string(name), type);
    if (!type.IsScalar()) return ErrorFrom(token, "a parameter is a buffer or a scalar");
    return Define(token, value);
  }
  INGOT_RETURN_IF_ERROR(ExpectSymbol("<"));
  const Token type_token = Peek();
  INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
  if (!type.IsScalar()) return ErrorFrom(type_token, "a buffer has elements of a scalar type");
  INGOT_RETURN_IF_ERROR(ExpectSymbol(","));
  INGOT_ASSIGN_OR_RETURN(std::vector<int64_t> extent, ParseExtent("the size of a buffer"));
  Buffer* buffer = kernel_->AddBuffer(std::string(name), type.element, std::move(extent));
  INGOT_RETURN_IF_ERROR(ParseBufferFlags(buffer));
  INGOT_RETURN_IF_ERROR(ExpectSymbol(">"));
  return Define(token, buffer);
}

absl::Status Parser::ParseBufferFlags(Buffer* buffer) {
  while (TakeSymbol(",")) {
    if (TakeWord("readonly")) {
      buffer->readonly = true;
    } else if (TakeWord("noalias")) {
      buffer->noalias = true;
    } else if (TakeWord("align")) {
      INGOT_ASSIGN_OR_RETURN(const int64_t bytes, ExpectInteger("alignment", 1, kMaxAlignment));
      buffer->alignment = static_cast<int>(bytes);
    } else {
      return Error("expected readonly, noalias or align");
    }
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status Parser::ParseSizes(absl::string_view what, int64_t most, std::vector<T>& sizes) {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> parsed, ParseProduct(what));
  for (int64_t size : parsed) {
    if (size > most || parsed.size() > 5) {
      return ErrorFrom(token, absl::StrCat(what, ": ", token.text, " is not five sizes up to ",
                                           most, " at most"));
    }
    sizes.push_back(static_cast<T>(size));
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseMapFlag(TensorMap& map) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (TakeWord("strides")) {
    return ParseSizes("strides", std::numeric_limits<int64_t>::max(), map.byte_strides);
  }
  if (TakeWord("box")) return ParseSizes("box", kMost, map.box);
  if (TakeWord("element_strides")) {
    return ParseSizes("element_strides", kMost, map.element_strides);
  }
  if (TakeWord("im2col")) {
    // A pair of corners for each dimension of an image.
    constexpr int64_t kLeast = std::numeric_limits<int32_t>::min();
    do {
      INGOT_ASSIGN_OR_RETURN(const int64_t lower, ExpectInteger("corner", kLeast, kMost));
      INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
      INGOT_ASSIGN_OR_RETURN(const int64_t upper, ExpectInteger("corner", kLeast, kMost));
      map.lower_corner.push_back(static_cast<int32_t>(lower));
      map.upper_corner.push_back(static_cast<int32_t>(upper));
    } while (!AtSymbol(",") && !AtSymbol(">"));
  } else if (TakeWord("swizzle")) {
    INGOT_ASSIGN_OR_RETURN(map.swizzle_bytes, ExpectInteger("swizzle", 0, kMost));
  } else if (TakeWord("promotion")) {
    INGOT_ASSIGN_OR_RETURN(map.l2_promotion_bytes, ExpectInteger("promotion", 0, kMost));
  } else if (TakeWord("tf32")) {
    map.rounds_to_tf32 = true;
  } else if (TakeWord("nan")) {
    map.fills_nan = true;
  } else {
    return Error("expected strides, box, element_strides, im2col, swizzle, promotion, tf32 or nan");
  }
  return absl::OkStatus();
}

// <%buffer, type, sizes, flags>: ir/base/tensor_map.h
absl::Status Parser::ParseMap(const Token& name) {
  INGOT_RETURN_IF_ERROR(ExpectSymbol("<"));
  const Token place = Peek();
  INGOT_ASSIGN_OR_RETURN(Buffer * buffer, ExpectEntity<Buffer>("buffer"));
  INGOT_RETURN_IF_ERROR(ExpectSymbol(","));
  const Token type_token = Peek();
  INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
  if (!type.IsScalar()) return ErrorFrom(type_token, "a tensor map has elements of a scalar type");
  INGOT_RETURN_IF_ERROR(ExpectSymbol(","));
  TensorMap recipe;
  recipe.element_type = type.element;
  INGOT_RETURN_IF_ERROR(
      ParseSizes("sizes", std::numeric_limits<int64_t>::max(), recipe.dimensions));
  while (TakeSymbol(",")) INGOT_RETURN_IF_ERROR(ParseMapFlag(recipe));
  INGOT_RETURN_IF_ERROR(ExpectSymbol(">"));
  if (absl::Status status = CheckTensorMap(recipe); !status.ok()) {
    return ErrorFrom(place, status.message());
  }
  return Define(name, kernel_->AddMap(std::string(name.text), buffer, std::move(recipe)));
}

absl::Status Parser::ParseShared() {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, ExpectName());
  INGOT_RETURN_IF_ERROR(ExpectSymbol(":"));
  const Token type_token = Peek();
  INGOT_ASSIGN_OR_RETURN(const Type type, ExpectType());
  if (!type.IsScalar()) return ErrorFrom(type_token, "a buffer has elements of a scalar type");
  INGOT_RETURN_IF_ERROR(ExpectSymbol("["));
  INGOT_ASSIGN_OR_RETURN(std::vector<int64_t> extent, ParseExtent("the size of an allocation"));
  INGOT_RETURN_IF_ERROR(ExpectSymbol("]"));
  Buffer* buffer = kernel_->AddShared(std::string(name), type.element, std::move(extent));
  if (TakeWord("align")) {
    INGOT_ASSIGN_OR_RETURN(const int64_t bytes, ExpectInteger("alignment", 1, kMaxAlignment));
    buffer->alignment = static_cast<int>(bytes);
  }
  if (TakeWord("overlaps")) {
    const Token other = Peek();
    INGOT_ASSIGN_OR_RETURN(buffer->overlaps, ExpectEntity<Buffer>("buffer"));
    if (buffer->overlaps->space != Space::kShared) {
      return ErrorFrom(other, absl::StrCat("%", other.text, " is not shared"));
    }
  }
  return Define(token, buffer);
}

template <typename T>
absl::Status Parser::ParseLaunchExtent(absl::string_view what, int64_t most,
                                       std::array<T, 3>& extent) {
  const Token token = Peek();
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, ParseExtent(what));
  if (sizes.size() > 3) return ErrorFrom(token, absl::StrCat(what, " has at most 3 sizes"));
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > most) {
      return ErrorFrom(token, absl::StrCat(what, ": ", sizes[i], " is not in 1 … ", most));
    }
    extent[i] = static_cast<T>(sizes[i]);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Parser::ParseLaunchWord() {
  Launch& launch = kernel_->launch();
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  if (TakeWord("tasks")) {
    launch.machine = Machine::kHost;
    INGOT_ASSIGN_OR_RETURN(launch.tasks, ExpectInteger("tasks", 1, int64_t{1} << 40));
  } else if (TakeWord("grid")) {
    INGOT_RETURN_IF_ERROR(ParseLaunchExtent("grid", kMost, launch.grid));
  } else if (TakeWord("block")) {
    INGOT_RETURN_IF_ERROR(ParseLaunchExtent("block", 1024, launch.block));
  } else if (TakeWord("cluster")) {
    INGOT_RETURN_IF_ERROR(ParseLaunchExtent("cluster", 64, launch.cluster));
  } else if (TakeWord("dynamic_shared")) {
    INGOT_ASSIGN_OR_RETURN(launch.dynamic_shared_bytes, ExpectInteger("dynamic_shared", 0, kMost));
  } else if (TakeWord("max_registers")) {
    INGOT_ASSIGN_OR_RETURN(launch.max_registers, ExpectInteger("max_registers", 1, 255));
  } else if (TakeWord("min_blocks")) {
    INGOT_ASSIGN_OR_RETURN(launch.min_blocks, ExpectInteger("min_blocks", 1, 64));
  } else if (TakeWord("resident")) {
    launch.resident = true;
  } else if (TakeWord("cooperative")) {
    launch.cooperative = true;
  } else if (TakeWord("programmatic")) {
    launch.programmatic = true;
  } else if (TakeWord("shared")) {
    INGOT_RETURN_IF_ERROR(ParseShared());
  } else {
    return false;
  }
  return true;
}

absl::Status Parser::ParseLaunch() {
  while (true) {
    INGOT_ASSIGN_OR_RETURN(const bool taken, ParseLaunchWord());
    if (!taken) return absl::OkStatus();
  }
}

}  // namespace ingot::kernel
