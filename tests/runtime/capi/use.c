/* A user's program in C: adds three vectors with a file that write_add_file made. */
#include <ingot.h>
#include <stdio.h>

static float a[1000], b[1000], y[1000];

static int fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, ingot_error_message());
  return 1;
}

int main(int argc, char** argv) {
  ingot_device* device;
  ingot_program* program;
  ingot_memory inputs[2] = {{a, sizeof a}, {b, sizeof b}}, output = {y, sizeof y};
  if (argc != 2) return 2;
  for (int i = 0; i < 1000; ++i) a[i] = 1, b[i] = 2 * i;
  if (ingot_device_create("host", &device) != INGOT_OK) return fail("device");
  if (ingot_load_file(device, argv[1], INGOT_VERIFY, &program) != INGOT_OK) return fail("load");
  if (ingot_run(program, inputs, 2, &output, 1) != INGOT_OK) return fail("run");
  for (int i = 0; i < 1000; ++i) {
    if (y[i] != 1 + 3 * i) {
      fprintf(stderr, "y[%d] = %g\n", i, y[i]);
      return 1;
    }
  }
  printf("%s %s: right\n", ingot_version(), ingot_program_name(program));
  ingot_program_destroy(program);
  ingot_device_destroy(device);
  return 0;
}
