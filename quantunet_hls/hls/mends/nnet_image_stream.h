#ifndef NNET_IMAGE_STREAM_H_
#define NNET_IMAGE_STREAM_H_

// Nearest upsampling by whole factors, one output pixel a clock cycle.
//
// The first of the rows that an input row becomes is written while the input is
// read; the others come from a row buffer. So the logic does not grow with the
// width of the image, and the buffer is one row of block RAM or LUT RAM.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, typename CONFIG_T> void resize_nearest(hls::stream<data_T> &image, hls::stream<data_T> &resized) {
    static_assert(CONFIG_T::new_height % CONFIG_T::height == 0, "the height must grow by a whole factor");
    static_assert(CONFIG_T::new_width % CONFIG_T::width == 0, "the width must grow by a whole factor");
    constexpr unsigned rows = CONFIG_T::new_height / CONFIG_T::height;
    constexpr unsigned columns = CONFIG_T::new_width / CONFIG_T::width;

    data_T row_buffer[CONFIG_T::width];

InputRow:
    for (unsigned h = 0; h < CONFIG_T::height; h++) {
    CopyOfRow:
        for (unsigned r = 0; r < rows; r++) {
        Pixel:
            for (unsigned w = 0; w < CONFIG_T::width; w++) {
                data_T pixel;
                PRAGMA_DATA_PACK(pixel)
            CopyOfPixel:
                for (unsigned c = 0; c < columns; c++) {
                    #pragma HLS LOOP_FLATTEN
                    #pragma HLS PIPELINE II=1
                    if (c == 0) {
                        if (r == 0) {
                            pixel = image.read();
                            row_buffer[w] = pixel;
                        } else {
                            pixel = row_buffer[w];
                        }
                    }
                    resized.write(pixel);
                }
            }
        }
    }
}

} // namespace nnet

#endif
