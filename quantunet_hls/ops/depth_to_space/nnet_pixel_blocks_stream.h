#ifndef NNET_PIXEL_BLOCKS_STREAM_H_
#define NNET_PIXEL_BLOCKS_STREAM_H_

// Every pixel becomes a block of pixels, each with as many channels fewer; one output pixel a clock cycle.
//
// The first rows of a row's blocks are written while the row is read; the others come from a row buffer.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void pixel_blocks(hls::stream<data_T> &image, hls::stream<res_T> &blocks) {
    constexpr unsigned block = CONFIG_T::block, channels = CONFIG_T::n_chan / (block * block);

    data_T row_buffer[CONFIG_T::in_width];

InputRow:
    for (unsigned h = 0; h < CONFIG_T::in_height; h++) {
    RowOfBlock:
        for (unsigned i = 0; i < block; i++) {
        Pixel:
            for (unsigned w = 0; w < CONFIG_T::in_width; w++) {
                data_T pixel;
                PRAGMA_DATA_PACK(pixel)
            ColumnOfBlock:
                for (unsigned j = 0; j < block; j++) {
                    #pragma HLS LOOP_FLATTEN
                    #pragma HLS PIPELINE II=1
                    if (j == 0) {
                        if (i == 0) {
                            pixel = image.read();
                            row_buffer[w] = pixel;
                        } else {
                            pixel = row_buffer[w];
                        }
                    }
                    res_T out;
                    PRAGMA_DATA_PACK(out)
                Channel:
                    for (unsigned c = 0; c < channels; c++) {
                        #pragma HLS UNROLL
                        const unsigned place = i * block + j;
                        if (CONFIG_T::pixelwise)
                            out[c] = pixel[place * channels + c];
                        else
                            out[c] = pixel[c * block * block + place];
                    }
                    blocks.write(out);
                }
            }
        }
    }
}

} // namespace nnet

#endif
